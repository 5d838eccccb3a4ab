package follow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
)

// told is the changes in short: "web-1 stage running".
func told(changes []follow.Change) []string {
	var short []string
	for _, c := range changes {
		short = append(short, strings.Join(strings.Fields(c.Name+" "+c.Step+" "+string(c.State)), " "))
	}
	return short
}

func TestEachChangeIsToldOnceInTheOrderOfEvents(t *testing.T) {
	var d follow.Differ
	s := follow.Snapshot{
		Deployment: client.Deployment{ID: "d", State: client.Accepted, Waves: 1},
		Targets:    []client.Target{{Server: "a", Name: "web-1", State: client.Pending}},
	}
	look := func() []string { return told(d.Changes(s)) }
	web := func(t client.Target) { t.Server, t.Name = "a", "web-1"; s.Targets = []client.Target{t} }
	step := func(name string, state client.State) client.Step { return client.Step{Step: name, State: state} }

	require.Equal(t, []string{"accepted"}, look())
	require.Empty(t, look())

	s.Deployment.State = client.Running
	web(client.Target{State: client.Running, Attempt: 1, Steps: []client.Step{step("connect", client.Running)}})
	require.Equal(t, []string{"running", "web-1 connect running"}, look())

	// Bytes alone are no change.
	web(client.Target{State: client.Running, Attempt: 1, DoneBytes: 5, Steps: []client.Step{step("connect", client.Running)}})
	require.Empty(t, look())

	web(client.Target{State: client.Running, Attempt: 1, Steps: []client.Step{
		step("connect", client.Succeeded), step("stage", client.Succeeded), step("switch", client.Running),
	}})
	require.Equal(t, []string{"web-1 connect succeeded", "web-1 stage succeeded", "web-1 switch running"}, look())

	// Another executor begins again.
	web(client.Target{State: client.Running, Attempt: 2, Steps: []client.Step{step("connect", client.Running)}})
	require.Equal(t, []string{"web-1 running", "web-1 connect running"}, look())

	web(client.Target{State: client.Failed, Attempt: 2, Steps: []client.Step{step("connect", client.Failed)}})
	s.Deployment.State = client.Failed
	require.Equal(t, []string{"web-1 connect failed", "web-1 failed", "failed"}, look())
	require.Empty(t, look())
}

func TestTheFirstLookTellsAllThatHappenedBefore(t *testing.T) {
	ended := time.Date(2026, 7, 1, 12, 0, 9, 0, time.UTC)
	var d follow.Differ
	changes := d.Changes(follow.Snapshot{
		Deployment: client.Deployment{ID: "d", State: client.Succeeded, EndedAt: &ended, Counts: client.Counts{Succeeded: 1}},
		Targets: []client.Target{{
			Server: "a", Name: "web-1", State: client.Succeeded, Attempt: 1, EndedAt: &ended,
			Steps: []client.Step{{Step: "connect", State: client.Succeeded}},
		}},
	})
	require.Equal(t, []string{"web-1 connect succeeded", "web-1 succeeded", "succeeded"}, told(changes))
	require.Equal(t, ended, changes[2].Time)
	require.Equal(t, 1, changes[2].Counts.Succeeded)
}

func TestWhyADeploymentWaitsIsTold(t *testing.T) {
	var d follow.Differ
	until := time.Date(2026, 7, 1, 12, 0, 9, 0, time.UTC)
	of := client.Deployment{ID: "d", State: client.Running, Waves: 2}
	look := func() []follow.Change { return d.Changes(follow.Snapshot{Deployment: of}) }
	require.Len(t, look(), 1)
	of.Cause, of.Until = "between_waves", &until
	require.Equal(t, "between_waves", look()[0].Cause)
	require.Empty(t, look())
	of.State, of.Cause, of.Reason, of.By, of.Until = client.Paused, "paused_by_person", "lunch", "anna", nil
	told := look()
	require.Len(t, told, 1)
	require.Equal(t, []string{"paused", "lunch", "anna"}, []string{string(told[0].State), told[0].Reason, told[0].By})
}

func TestHowACanaryDoesAndWhoTakesADeploymentBackAreTold(t *testing.T) {
	var d follow.Differ
	of := client.Deployment{ID: "d", State: client.Analyzing, Cause: "canary", Reason: "0 of 3 passed", Wave: 1, Waves: 2}
	look := func() []follow.Change { return d.Changes(follow.Snapshot{Deployment: of}) }
	require.Len(t, look(), 1)
	of.Reason = "1 of 3 passed"
	require.Equal(t, "1 of 3 passed", look()[0].Reason)
	require.Empty(t, look())
	of.State, of.Cause, of.Reason = client.Reverting, "canary_analysis", "0 of 3 passed"
	require.Len(t, look(), 1)
	of.RolledBackBy = "r"
	require.Equal(t, "r", look()[0].RolledBackBy)
	of.State = client.Failed
	require.Equal(t, []string{"failed"}, told(look()))
}
