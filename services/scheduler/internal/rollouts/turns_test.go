package rollouts

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// inTurn is three deployments that wait for one host, in this order, of which the
// first has it, and no executor.
func (s *system) inTurn() (targets []contract.Target, first, second, third string) {
	s.t.Helper()
	targets = servers("h", 1)
	first = s.deploy(targets, 0)
	s.requireStored(targets[0].Host)
	for i, id := range []*string{&second, &third} {
		*id = s.deploy(targets, 0)
		require.Eventually(s.t, func() bool { return len(s.locks().Hosts[0].Waiting) == i+1 }, patience, 5*time.Millisecond)
	}
	return targets, first, second, third
}

// change writes the record of a deployment, as time would.
func (s *system) change(id string, to func(deploy.Rollout) deploy.Rollout) {
	s.t.Helper()
	records, err := bus.OpenCells[record](s.t.Context(), s.bus, contract.BucketDeploy)
	require.NoError(s.t, err)
	_, err = records.Change(s.t.Context(), id, func(rec record) (record, bool, error) {
		rec.Rollout = to(rec.Rollout)
		return rec, true, nil
	})
	require.NoError(s.t, err)
}

func (s *system) requireNotBegun(id string) {
	s.t.Helper()
	for _, m := range s.story(id) {
		require.NotEqual(s.t, contract.TypeJobStarted, m.Type)
	}
}

func TestAPausedDeploymentDoesNotBeginWhenItsTurnComes(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.replica()
	targets, first, second, third := s.inTurn()
	s.requireDone(second, "pause", deploy.Paused)
	s.executors(succeed)
	for _, id := range []string{first, third} {
		require.Equal(t, "succeeded", s.conclusion(id).State)
	}
	s.requireNotBegun(second)
	s.awaitFreeHosts()
	s.requireDoneOnce(second, "resume", deploy.Running)
	require.Equal(t, "succeeded", s.conclusion(second).State)
	s.requireWhole(second, targets)
}

func TestADeploymentWhoseWindowHasClosedDoesNotBeginWhenItsTurnComes(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.replica()
	defer s.attend(contract.DefaultZone, func(m *nats.Msg) { _ = m.Respond(nil) })() // else that nobody is there is said first
	targets, first, second, third := s.inTurn()
	another := time.Now().UTC().AddDate(0, 0, 3).Weekday()
	s.change(second, func(r deploy.Rollout) deploy.Rollout {
		r.Policy.Calendar = &deploy.Calendar{Zone: "UTC", Windows: []deploy.Window{{Days: []time.Weekday{another}, From: 60, To: 120}}}
		return r
	})
	s.executors(succeed)
	for _, id := range []string{first, third} {
		require.Equal(t, "succeeded", s.conclusion(id).State)
	}
	require.Eventually(t, func() bool {
		_, m, err := s.last(contract.SystemEventSubject(second))
		said, ok := m.Body.(contract.StatusEvent)
		return err == nil && ok && said.Cause == string(deploy.CauseWindow) && said.Until != nil
	}, patience, 5*time.Millisecond)
	s.requireNotBegun(second)
	s.change(second, func(r deploy.Rollout) deploy.Rollout {
		r.Policy.Calendar.Windows[0] = deploy.Window{Days: []time.Weekday{0, 1, 2, 3, 4, 5, 6}}
		r.Reopen = clock()
		return r
	})
	require.Equal(t, "succeeded", s.conclusion(second).State)
	s.requireWhole(second, targets)
}
