package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestAFailedDeploymentGoesBackByItself(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 4)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1", "v2")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: names}).ID)

	hosts[2].Stop()
	d := s.deploy(t, order{
		Application: app, Version: "v2", Servers: names,
		Strategy: &strategy{Type: "serial"}, Failures: &failures{Then: "rollback"},
		Remove: []string{"v1"}, // what it replaces is its way back, and stays
	})
	require.Equal(t, "failed", s.await(t, d.ID, patience).State)
	at := s.course(t, d.ID)
	require.Equal(t, "budget_spent", at.Cause)
	require.Contains(t, at.Reason, "was taken back")
	require.NotEmpty(t, at.RolledBackBy)
	for _, i := range []int{0, 1, 3} {
		requireRuns(t, hosts[i], "v1")
	}
	targets := s.targets(t, d.ID)
	for i, want := range []string{"succeeded", "succeeded", "failed", "skipped"} {
		require.Equal(t, want, targets[names[i]].State)
	}
	back := must[deployment](t, s.client, request{method: "GET", path: "/v1/deployments/" + at.RolledBackBy}, http.StatusOK)
	require.Equal(t, "rollback", back.Kind)
	require.Equal(t, d.ID, back.RollbackOf)
	require.Equal(t, "succeeded", back.State)
	require.Equal(t, 2, back.Targets, "the hosts that ran the new version, and no other")
	requireEvents(t, s)
}

func TestOneDeploymentWaitsAnotherIsRefusedAndAHostIsSkipped(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--scheduler-limits-per-project", "1")
	hosts := hosttest.Start(t, 3)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1")
	canary := order{Application: app, Version: "v1", Servers: names, Strategy: &strategy{Type: "canary", First: 1, Hold: "1h"}}
	first := s.deploy(t, canary)
	s.awaitState(t, first.ID, "holding")

	next := s.deploy(t, order{Application: app, Version: "v1", Servers: names})
	require.Equal(t, "limit", s.awaitState(t, next.ID, "waiting").Cause)
	a := s.answered(t, request{method: "POST", path: "/v1/deployments", body: order{Application: app, Version: "v1", Servers: names, WhenBusy: "refuse"}})
	require.Equal(t, http.StatusTooManyRequests, a.status, "%s", a)
	require.Equal(t, "too_many_deployments", a.problem(t).Code)
	require.NotEmpty(t, a.header.Get("Retry-After"))

	skipped := must[course](t, s.client, request{
		method: "POST", path: "/v1/deployments/" + first.ID + "/skip", body: map[string]any{"servers": []string{names[2]}, "reason": "it burns"},
	}, http.StatusOK)
	require.Equal(t, "holding", skipped.State)
	s.control(t, first.ID, "promote", map[string]string{})
	require.Equal(t, "succeeded", s.await(t, first.ID, patience).State, "to leave a host out is no failure")
	require.Equal(t, "skipped", s.targets(t, first.ID)[names[2]].State)
	s.succeed(t, next.ID)
	requireEvents(t, s)
}

func TestALockIsSeenAndBroken(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--executor-ssh-connect-timeout=5m") // a host that stands still is not given up on
	host := hosttest.Start(t, 1)[0]
	name := s.addAll(t, []*hosttest.Host{host})[0]
	s.uploadVersions(t, 0, "v1")
	host.Freeze()
	holds := s.deploy(t, order{Application: app, Version: "v1", Servers: []string{name}})
	type lock struct {
		Deployment string `json:"deployment"`
	}
	type locks struct {
		Items []lock `json:"items"`
	}
	var seen locks
	require.Eventually(t, func() bool {
		seen = must[locks](t, s.client, request{method: "GET", path: "/v1/locks"}, http.StatusOK)
		return len(seen.Items) == 1
	}, patience, 20*time.Millisecond)
	require.Equal(t, holds.ID, seen.Items[0].Deployment)
	a, err := s.do(request{method: "DELETE", path: "/v1/locks/" + name, query: url.Values{"deployment": {holds.ID}, "reason": {"it hangs"}}})
	require.NoError(t, err)
	require.Equal(t, http.StatusNoContent, a.status, "%s", a)
	require.Equal(t, "failed", s.await(t, holds.ID, patience).State)
	require.Equal(t, "lock_broken", s.targets(t, holds.ID)[name].Failure.Code)
	host.Thaw()
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: []string{name}}).ID)
	requireRuns(t, host, "v1")
	requireEvents(t, s)
}
