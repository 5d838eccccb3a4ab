package gateway_test

import (
	"encoding/base64"
	"testing"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// A zone, or a number, takes a time out of the years that can be written.
func TestATimeThatCannotBeWrittenIsRefusedByName(t *testing.T) {
	f := start(t)
	h := f.withHistory()
	h.know(finished("d3v5k1jq0s9c73a1b2c0", "1", 1))
	f.respond(contract.QueryRunning, func(contract.Message) contract.Body { return contract.Running{Items: []contract.Placement{}} })
	const late, early = "9999-12-31T23:59:59-23:00", "0000-01-01T00:00:00%2B23:00"
	for path, names := range map[string][]string{
		"/v1/deployments": {"from", "to"},
		"/v1/deployments/d3v5k1jq0s9c73a1b2c0/logs": {"from", "to"},
		"/v1/running": {"at"},
		"/v1/audit":   {"from", "to"},
	} {
		for _, name := range names {
			for _, at := range []string{late, early, "0000-12-31T23:59:59Z", "0001-01-01T00:00:00%2B00:01"} {
				bad := f.get(path+"?"+name+"="+at).refused(422, "invalid_request")
				require.Equal(t, map[string]string{name: "must be in the years 1 to 9999, in UTC"}, bad, path)
			}
			for _, at := range []string{"9999-12-31T23:59:59.999999999Z", "0001-01-01T00:00:00Z"} {
				f.get(path + "?" + name + "=" + at).is(200)
			}
		}
	}
	for _, at := range []string{"9223372036854775807", "-9223372036854775808", "253402300800000", "-62135596800001"} {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(at + "." + xid.New().String()))
		require.Contains(t, f.get("/v1/deployments?cursor="+cursor).refused(422, "invalid_request"), "cursor")
	}
	cursor := base64.RawURLEncoding.EncodeToString([]byte("253402300799999." + xid.New().String()))
	f.get("/v1/deployments?cursor=" + cursor).is(200)
}

func TestStatisticsGoFromTheFirstDayThatCanBeWrittenToTheLast(t *testing.T) {
	f := start(t)
	var asked contract.GetStatistics
	f.respond(contract.QueryStatistics, func(m contract.Message) contract.Body {
		asked = m.Body.(contract.GetStatistics)
		return contract.Statistics{Applications: []contract.Summary{}, Days: []contract.DayOutcomes{}}
	})
	for _, name := range []string{"from", "to"} {
		require.Contains(t, f.get("/v1/statistics?"+name+"=0000-12-31").refused(422, "invalid_request"), name)
	}
	f.get("/v1/statistics?to=0001-01-05").is(200)
	require.Equal(t, contract.GetStatistics{From: "0001-01-01", To: "0001-01-05"}, asked, "there are no 29 days before")
	f.get("/v1/statistics?to=9999-12-31").is(200)
	require.Equal(t, contract.GetStatistics{From: "9999-12-02", To: "9999-12-31"}, asked)
}
