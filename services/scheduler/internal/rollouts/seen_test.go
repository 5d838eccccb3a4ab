package rollouts

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/observe/observetest"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/telemetry"
)

// scope has a scheduler that is to be started tell of itself.
type scope struct{ of *system }

func (s scope) Observe(p *observe.Process) { s.of.seen = telemetry.New(p.Scope("scheduler")) }

func TestWhatASchedulerDoesAndWhatWaitsForOthersIsCounted(t *testing.T) {
	s := newSystem(t)
	seen := observetest.Watch(t, scope{s})
	s.replica()
	all := servers("h", 3)
	none := map[string]float64{"commands waiting": 0, "commands taken": 0, "jobs waiting": 0, "jobs taken": 0}
	require.Eventually(t, func() bool { return maps.Equal(none, seen.Values("queue_messages")) }, patience, 5*time.Millisecond)

	first := s.deploy(all, 0)
	require.Eventually(t, func() bool { return seen.Values("queue_messages")["jobs waiting"] == 3 }, patience, 5*time.Millisecond)
	require.Eventually(t, func() bool { return seen.Values("queue_oldest_seconds")["jobs"] > .05 }, patience, 5*time.Millisecond)
	counted := func(name, labels string, want float64) { // what is done is counted after it can be seen
		t.Helper()
		require.Eventually(t, func() bool {
			value, shown := seen.Values(name)[labels]
			return shown && value == want
		}, patience, 5*time.Millisecond, "%s %s", name, labels)
	}
	counted("jobs_offered_total", "", 3)
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(first).State)
	counted("deployments_ended_total", "deploy succeeded", 1)
	counted("deployment_duration_seconds", "deploy", 1)
	for _, name := range []string{"commands", "jobs"} {
		counted("queue_messages", name+" waiting", 0)
		counted("queue_messages", name+" taken", 0)
		counted("queue_oldest_seconds", name, 0)
	}

	_, err := s.bus.Publish(t.Context(), contract.CommandSubject(contract.VerbDeploy, "d1"), "", []byte("no command"))
	require.NoError(t, err)
	counted("inputs_total", "command refused", 1)
	counted("inputs_total", "command done", 1)
	counted("inputs_total", "event done", 3)
}

func TestQueuesThatCannotBeReadAreNotShown(t *testing.T) {
	s := newSystem(t)
	seen := observetest.Watch(t, scope{s})
	s.replica()
	shown := func() bool { return len(seen.Values("queue_messages")) == 4 }
	require.Eventually(t, shown, patience, 5*time.Millisecond)
	s.srv.Stop()
	require.Empty(t, seen.Values("queue_messages"), "what they were before would be believed")
	require.Empty(t, seen.Values("queue_oldest_seconds"))
	s.srv.Restart()
	require.Eventually(t, shown, patience, 5*time.Millisecond)
}
