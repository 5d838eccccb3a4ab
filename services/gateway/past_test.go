package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestWhatRunsWhereComesFromHistory(t *testing.T) {
	f := start(t)
	f.get("/v1/running").refused(503, "unavailable")
	ids := f.fleet("a")
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var asked contract.ListRunning
	f.respond(contract.QueryRunning, func(m contract.Message) contract.Body {
		asked = m.Body.(contract.ListRunning)
		row := contract.Placement{Application: "shop", Host: ids[0], Name: "a", Path: "apps/shop", Version: "1", Deployment: "d", Since: since}
		if asked.After == nil {
			return contract.Running{Items: []contract.Placement{row}, Next: &contract.RunningPlace{Application: "shop", Part: 3, Host: ids[0], Path: "p"}}
		}
		row.Name = "b"
		row.Deployment, row.Until = "", &since
		return contract.Running{Items: []contract.Placement{row}}
	})
	require.Equal(t, []string{"a", "b"}, f.pages("/v1/running?limit=1&application=shop&server=a&at=2026-03-01T13:00:00%2B01:00", "name"))
	require.Equal(t, contract.ListRunning{
		Limit: 1, Application: "shop", Server: ids[0], At: &since, After: &contract.RunningPlace{Application: "shop", Part: 3, Host: ids[0], Path: "p"},
	}, asked)
	bad := f.get("/v1/running?limit=0&application=-&server=a.b&at=now&cursor=e30&x=1").refused(422, "invalid_request")
	for _, name := range []string{"limit", "application", "server", "at", "cursor", "x"} {
		require.Contains(t, bad, name)
	}
}

func TestStatisticsSayWhatFollowsFromTheCounts(t *testing.T) {
	f := start(t)
	f.get("/v1/statistics").refused(503, "unavailable")
	var asked contract.GetStatistics
	f.respond(contract.QueryStatistics, func(m contract.Message) contract.Body {
		asked = m.Body.(contract.GetStatistics)
		s := contract.Summary{
			Deploys: contract.Outcomes{Succeeded: 6, Failed: 2, Cancelled: 1}, Hosts: contract.Outcomes{Rejected: 5},
			LeadTime: contract.Durations{Count: 6, P50: 1000, P90: 2000, P99: 3000},
		}
		return contract.Statistics{Total: s, Applications: []contract.Summary{s}, Days: []contract.DayOutcomes{{Day: "2026-03-01"}}}
	})
	got := f.get("/v1/statistics?from=2026-03-01&to=2026-03-03&application=shop").is(200).object()
	require.Equal(t, contract.GetStatistics{From: "2026-03-01", To: "2026-03-03", Application: "shop"}, asked)
	total := got["total"].(map[string]any)
	require.InDelta(t, 2, total["deployment_frequency"], 0.001)
	require.InDelta(t, 0.25, total["change_failure_rate"], 0.001)
	require.EqualValues(t, 5, total["hosts"].(map[string]any)["skipped"])
	require.EqualValues(t, 2000, total["lead_time"].(map[string]any)["p90_ms"])
	require.Len(t, got["days"], 1)

	f.get("/v1/statistics").is(200)
	from, err := time.Parse(time.DateOnly, asked.From)
	require.NoError(t, err)
	to, err := time.Parse(time.DateOnly, asked.To)
	require.NoError(t, err)
	require.Equal(t, 29*24*time.Hour, to.Sub(from))

	bad := f.get("/v1/statistics?from=1.3.&to=2026-13-01&application=-").refused(422, "invalid_request")
	for _, name := range []string{"from", "to", "application"} {
		require.Contains(t, bad, name)
	}
	require.Contains(t, f.get("/v1/statistics?from=2026-03-02&to=2026-03-01").refused(422, "invalid_request"), "from")
	require.Contains(t, f.get("/v1/statistics?from=2024-03-02&to=2026-03-01").refused(422, "invalid_request"), "from")
}

func TestHistorySaysHowFarItIs(t *testing.T) {
	f := start(t)
	f.get("/v1/history").refused(503, "unavailable")
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f.respond(contract.QueryHistory, func(contract.Message) contract.Body {
		return contract.History{Seq: 4, Last: 9, Waiting: &at, Aside: 1, Newest: []contract.Aside{{Seq: 2, Subject: "s", Reason: "why", At: &at}}}
	})
	got := f.get("/v1/history").is(200).object()
	require.EqualValues(t, 5, got["behind"])
	require.Equal(t, "2026-03-01T12:00:00Z", got["waiting_since"])
	require.Equal(t, "why", got["newest_set_aside"].([]any)[0].(map[string]any)["reason"])
}
