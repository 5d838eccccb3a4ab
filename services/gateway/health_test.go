package gateway_test

import (
	"context"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestTheHealthDocumentHasRealReadings(t *testing.T) {
	f := start(t, often)
	res := f.get("/v1/health").is(200)
	require.Equal(t, "degraded", res.text("status"))
	require.Equal(t, []string{"history", "scheduler", "executor"}, res.parts())
	require.NotContains(t, res.object(), "statistics")
	require.NotContains(t, res.object(), "deployments")
	for name, percent := range res.object()["machine"].(map[string]any) {
		require.LessOrEqual(t, percent, 100.0, name)
		require.GreaterOrEqual(t, percent, 0.0, name)
	}

	f.complete()
	s, h := f.withScheduler(), f.withHistory()
	f.respond(contract.QueryStatistics, func(m contract.Message) contract.Body {
		asked := m.Body.(contract.GetStatistics)
		from, err := time.Parse(time.DateOnly, asked.From)
		to, err2 := time.Parse(time.DateOnly, asked.To)
		if err != nil || err2 != nil || to.Sub(from) != 365*24*time.Hour {
			t.Errorf("asked for %s to %s", asked.From, asked.To)
		}
		return contract.Statistics{Total: contract.Summary{
			Deploys: contract.Outcomes{Succeeded: 12, Failed: 2, Cancelled: 1}, Rollbacks: contract.Outcomes{Succeeded: 3, Rejected: 1},
			Duration: contract.Durations{Count: 19, Mean: 145300},
		}}
	})
	met := time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC)
	for kind, at := range map[string]time.Time{"uv": met, "docker": met.Add(-time.Hour)} {
		executor, err := bus.Serve(context.WithoutCancel(t.Context()), f.bus.Conn(), bus.About{Name: "slipway-executor", Notes: func() map[string]string {
			return map[string]string{bus.NoteRuntime + "uv": met.Add(-2 * time.Hour).Format(time.RFC3339), bus.NoteRuntime + kind: at.Format(time.RFC3339)}
		}}, bus.Endpoint{Name: kind, Subject: "met." + kind, Answer: func(context.Context, bus.Request) {}})
		require.NoError(t, err)
		t.Cleanup(executor.Stop)
		executor.Ready()
	}
	for i, state := range []string{"running", "running", "paused", "accepted", "succeeded", "failed"} {
		h.know(contract.Deployment{ID: xid.New().String(), State: state, Seq: uint64(i)})
	}
	available := func(mode any) bool { return mode.(map[string]any)["status"] == "available" }
	var got map[string]any
	f.eventually(func() bool { // each is asked, and has a second to answer in
		got = f.get("/v1/health").is(200).object()
		modes := got["modes"].(map[string]any)
		return got["services"].(map[string]any)["slipway-executor"] == 3.0 && available(modes["docker"]) && available(modes["uv"])
	}, "executors are not found")
	require.Equal(t, "ready", got["status"])
	require.Empty(t, got["missing"])
	require.Equal(t, map[string]any{"active": 3.0, "waiting": 0.0, "limit": 0.0}, got["deployments"])
	require.Equal(t, map[string]any{
		"docker":   map[string]any{"status": "available", "met_at": "2026-11-22T04:00:00Z"},
		"uv":       map[string]any{"status": "available", "met_at": "2026-11-22T05:00:00Z"},
		"fallback": map[string]any{"status": "unknown"},
	}, got["modes"])
	totals := got["statistics"].(map[string]any)
	delete(totals, "from")
	delete(totals, "to")
	require.Equal(t, map[string]any{"total": 19.0, "succeeded": 15.0, "failed": 2.0, "cancelled": 1.0, "rejected": 1.0, "average_ms": 145300.0}, totals)

	s.mu.Lock()
	s.slots = contract.Slots{All: 3, Holders: []contract.Slot{{Deployment: "a"}, {Deployment: "b"}}, Waiting: []contract.Slot{{Deployment: "c"}}}
	s.mu.Unlock()
	require.Equal(t, map[string]any{"active": 2.0, "waiting": 1.0, "limit": 3.0}, f.get("/v1/health").is(200).object()["deployments"])
	f.get("/v1/health?x=1").refused(422, "invalid_request")
}
