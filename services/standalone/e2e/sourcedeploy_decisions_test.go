package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSourceDeployAsksForAnApproval(t *testing.T) {
	t.Parallel()
	s := openShop(t, 1)
	scenario := s.scenario(t, "nightly", nil)

	asked := s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	require.Contains(t, string(s.detail(t, asked).Config), `"status":"pending"`)
	require.Contains(t, s.refuses(t, "POST", s.path(asked)+"/canary/accept", nil, 409, "100"), "no canary waits for a verdict: the deployment is pending")
	s.refuses(t, "POST", s.path(asked)+"/canary/reject", nil, 409, "100")
	require.Equal(t, "pending", s.detail(t, asked).Status, "what rejects a canary rejects no request")
	s.asks(t, asked, "/approval/reject")
	s.awaitStatus(t, asked, "reject")
	s.asks(t, asked, "/approval/reject") // once more
	require.Contains(t, s.refuses(t, "POST", s.path(asked)+"/approval/accept", nil, 409, "100"), "waits for no approval: it is reject")
	for _, verdict := range []string{"/canary/accept", "/canary/reject"} {
		why := s.refuses(t, "POST", s.path(asked)+verdict, nil, 409, "100")
		require.Contains(t, why, "no canary waits for a verdict: the deployment is reject", "it never had one")
	}
	require.Contains(t, string(s.detail(t, asked).Config), `"status":"no progress"`)
	require.Empty(t, runs(t, s.hosts[0], appPath))

	asked = s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	s.asks(t, asked, "/approval/accept/")
	s.awaitStatus(t, asked, "success")
	requireRuns(t, s.hosts[0], "v1")
	s.asks(t, asked, "/approval/accept") // once more
	require.Contains(t, s.refuses(t, "POST", s.path(asked)+"/approval/reject", nil, 409, "100"), "waits for no approval")
	unasked := s.run(t, scenario, "")
	s.awaitStatus(t, unasked, "success")
	require.Contains(t, s.refuses(t, "POST", s.path(unasked)+"/approval/accept", nil, 409, "100"), "waits for no approval: it is success")

	// The stage may ask for it, of somebody else, whoever asks and however.
	must[any](t, s.client, request{
		method: "PATCH", path: "/v1/projects/web-shop/stages/production", body: map[string]any{"defaults": map[string]any{"approval": map[string]any{"not_requester": true}}},
	}, http.StatusOK)
	approver := s.as(t, "approver")
	for _, how := range []string{"", "/request"} {
		asked = s.run(t, scenario, how)
		s.awaitStatus(t, asked, "pending")
		s.refuses(t, "POST", s.path(asked)+"/approval/accept", nil, 409, "100")
		answer := approver(t, "POST", s.path(asked)+"/approval/accept", 200)
		require.JSONEq(t, `{"result":{"result":true}}`, string(answer))
		s.awaitStatus(t, asked, "success")
	}
	asked = s.run(t, scenario, "/request")
	s.awaitStatus(t, asked, "pending")
	s.asks(t, asked, "/cancel")
	s.awaitStatus(t, asked, "canceled")
	requireEvents(t, s.standalone)
}

func TestSourceDeployJudgesCanaries(t *testing.T) {
	t.Parallel()
	s := openShop(t, 2, "--scheduler-analysis-allow", "127.0.0.0/8")
	canary := func(more map[string]any) map[string]any {
		strategy := map[string]any{"type": "canary", "first": 1}
		for name, value := range more {
			strategy[name] = value
		}
		return map[string]any{"strategy": strategy, "failures": map[string]any{"then": "rollback"}}
	}
	held := s.scenario(t, "held", canary(map[string]any{"hold": "1h"}))

	good := s.run(t, held, "")
	s.awaitStatus(t, good, "canary_pending")
	require.Contains(t, s.refuses(t, "POST", s.path(good)+"/approval/reject", nil, 409, "100"), "waits for no approval: it is canary_pending")
	require.Empty(t, runs(t, s.hosts[1], appPath))
	s.asks(t, good, "/canary/accept")
	s.awaitStatus(t, good, "success")
	requireRuns(t, s.hosts[1], "v1")
	s.asks(t, good, "/canary/accept") // once more

	s.uploadVersions(t, 0, "v2")
	bad := s.run(t, held, "")
	s.awaitStatus(t, bad, "canary_pending")
	requireRuns(t, s.hosts[0], "v2")
	s.hosts[0].Freeze() // the way back takes its time
	s.asks(t, bad, "/canary/reject")
	s.awaitStatus(t, bad, "canary_rejecting")
	s.hosts[0].Thaw()
	s.awaitStatus(t, bad, "canary_reject")
	s.asks(t, bad, "/canary/reject") // once more
	requireRuns(t, s.hosts[0], "v1")

	late := s.run(t, s.scenario(t, "hurried", canary(map[string]any{"hold": "1s"})), "")
	s.awaitStatus(t, late, "canary_waiting_timeout")
	requireRuns(t, s.hosts[0], "v1")

	var sick atomic.Bool
	health := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(health.Close)
	check := []map[string]any{{"name": "health", "http": map[string]any{"url": health.URL}}}
	measured := s.scenario(t, "measured", canary(map[string]any{"analysis": map[string]any{"interval": "1s", "successes": 1000, "checks": check}}))
	judged := s.run(t, measured, "")
	s.awaitStatus(t, judged, "canary_analyzing")
	sick.Store(true)
	s.awaitStatus(t, judged, "canary_reject")
	requireRuns(t, s.hosts[0], "v1")
	sick.Store(false)
	judged = s.run(t, measured, "")
	s.awaitStatus(t, judged, "canary_analyzing")
	s.asks(t, judged, "/canary/accept")
	s.awaitStatus(t, judged, "success")
	requireRuns(t, s.hosts[1], "v2")

	// The scenario says normal to clients, who know no other word for servers.
	require.Contains(t, string(s.detail(t, judged).Config), `"strategy":"normal"`)
	require.Equal(t, 2, strings.Count(string(s.call(t, "GET", fmt.Sprintf("/project/%d/history", s.project), nil, 200)), `"canary_reject"`))
	requireEvents(t, s.standalone)
}
