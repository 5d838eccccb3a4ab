package gateway_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestTheEndOfALogIsReadFromTheServers(t *testing.T) {
	f := start(t)
	names := make([]string, 7)
	for i := range names {
		names[i] = fmt.Sprintf("s%02d", i)
	}
	ids := f.fleet(names...)
	f.get("/v1/logs?application=shop&file=shared/log/a.log").refused(503, "unavailable")

	var mu sync.Mutex
	var groups []int
	f.respond(contract.LogsSubject(""), func(m contract.Message) contract.Body {
		asked := m.Body.(contract.TailLogs)
		mu.Lock()
		defer mu.Unlock()
		groups = append(groups, len(asked.Targets))
		assert.Equal(t, "/srv/shop", asked.Path)
		assert.Equal(t, "shared/log/a.log", asked.File)
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
	require.ElementsMatch(t, []int{5, 2}, groups)
	rows := all.object()["items"].([]any)
	require.Equal(t, []any{"one", "two"}, rows[0].(map[string]any)["lines"])
	require.Equal(t, "file_missing", rows[1].(map[string]any)["failure"].(map[string]any)["code"])

	bad := f.get("/v1/logs?application=shop&file=../x&lines=1000").refused(422, "invalid_request")
	require.Contains(t, bad, "file")
	require.Contains(t, bad, "lines")
	require.Contains(t, f.get("/v1/logs").refused(422, "invalid_request"), "file")
}
