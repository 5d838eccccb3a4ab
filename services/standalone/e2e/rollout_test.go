package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// course is where a deployment stands, as far as these tests look.
type course struct {
	State        string    `json:"state"`
	Cause        string    `json:"cause"`
	Reason       string    `json:"reason"`
	Until        time.Time `json:"until"`
	Digest       string    `json:"digest"`
	RetryOf      string    `json:"retry_of"`
	RolledBackBy string    `json:"rolled_back_by"`
}

func (c *client) course(t testing.TB, id string) course {
	t.Helper()
	return must[course](t, c, request{method: "GET", path: "/v1/deployments/" + id}, http.StatusOK)
}

func (c *client) awaitState(t testing.TB, id, state string) course {
	t.Helper()
	var at course
	require.Eventually(t, func() bool {
		at = c.course(t, id)
		return at.State == state
	}, patience, 20*time.Millisecond, "the deployment is not %s", state)
	return at
}

// control asks a deployment to do something.
func (c *client) control(t testing.TB, id, verb string, body map[string]string) course {
	t.Helper()
	return must[course](t, c, request{method: "POST", path: "/v1/deployments/" + id + "/" + verb, body: body}, http.StatusOK)
}

func TestACanaryIsApprovedJudgedAndRetriedWhereItFailed(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 4)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1")
	d := s.deploy(t, order{
		Application: app, Version: "v1", Servers: names, Approval: &struct{}{},
		Strategy: &strategy{Type: "canary", First: 1, Hold: "1h"},
	})

	waiting := s.awaitState(t, d.ID, "awaiting_approval")
	for _, h := range hosts {
		require.Empty(t, runs(t, h, appPath))
	}
	s.control(t, d.ID, "approve", map[string]string{"digest": waiting.Digest})
	s.awaitState(t, d.ID, "holding")
	requireRuns(t, hosts[0], "v1")
	require.Empty(t, runs(t, hosts[1], appPath))

	a := s.answered(t, request{method: "POST", path: "/v1/deployments/" + d.ID + "/retry", body: map[string]string{}})
	require.Equal(t, http.StatusConflict, a.status, "%s", a)

	hosts[3].Stop()
	s.control(t, d.ID, "promote", map[string]string{})
	require.Equal(t, "failed", s.await(t, d.ID, patience).State)
	require.Equal(t, "failed", s.targets(t, d.ID)[names[3]].State)

	again := must[deployment](t, s.client, request{method: "POST", path: "/v1/deployments/" + d.ID + "/retry", body: map[string]string{}}, http.StatusAccepted)
	require.Equal(t, 1, again.Targets, "the failed host alone")
	s.await(t, again.ID, patience)
	require.Equal(t, d.ID, s.course(t, again.ID).RetryOf)
	requireEvents(t, s)
}

func TestACancelledDeploymentLeavesItsHostsToTheNext(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 3)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1", "v2")
	d := s.deploy(t, order{Application: app, Version: "v1", Servers: names, Strategy: &strategy{Type: "canary", First: 1, Hold: "1h"}})
	s.awaitState(t, d.ID, "holding")
	s.control(t, d.ID, "cancel", map[string]string{"reason": "the wrong version"})
	require.Equal(t, "cancelled", s.await(t, d.ID, patience).State)
	targets := s.targets(t, d.ID)
	for i, want := range []string{"succeeded", "cancelled", "cancelled"} {
		require.Equal(t, want, targets[names[i]].State)
	}
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v2", Servers: names}).ID)
	for _, h := range hosts {
		requireRuns(t, h, "v2")
	}
	requireEvents(t, s)
}
