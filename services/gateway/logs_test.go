package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestTheEndOfALogIsReadFromTheServers(t *testing.T) {
	f := start(t)
	names, ids := f.numbered(7)
	f.get("/v1/logs?application=shop&file=shared/log/a.log").refused(503, "unavailable")

	var asks groups
	f.respond(contract.LogsSubject(""), func(m contract.Message) contract.Body {
		asked := m.Body.(contract.TailLogs)
		asks.add(len(asked.Targets))
		assert.Contains(t, []string{"/srv/shop shared/log/a.log", "/opt/store shared/logs/info.log"}, asked.Path+" "+asked.File)
		assert.Equal(t, 7, asked.Lines)
		var rows contract.Logs
		for _, target := range asked.Targets {
			row := contract.HostLog{Host: target.Host, Lines: []string{"one", "two"}}
			if target.Host == ids[1] {
				row = contract.HostLog{Host: target.Host, Failure: &contract.Failure{Code: "file_missing", Reason: "no such file"}}
			}
			rows.Hosts = append(rows.Hosts, row)
		}
		return rows
	})
	all := f.get("/v1/logs?application=shop&file=shared/log/a.log&path=/srv/shop&lines=7").is(200)
	require.Equal(t, names, all.column("name"))
	require.ElementsMatch(t, []int{5, 2}, asks.sizes)
	rows := all.object()["items"].([]any)
	require.Equal(t, []any{"one", "two"}, rows[0].(map[string]any)["lines"])
	require.Equal(t, "file_missing", rows[1].(map[string]any)["failure"].(map[string]any)["code"])

	f.get("/v1/logs?application=shop&profile=java&directory=store&file=info.log&lines=7").is(200)

	bad := f.get("/v1/logs?application=shop&file=../x&lines=1000").refused(422, "invalid_request")
	require.Contains(t, bad, "file")
	require.Contains(t, bad, "lines")
	require.Contains(t, f.get("/v1/logs").refused(422, "invalid_request"), "file")
}
