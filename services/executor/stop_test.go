package executor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// stop says that nothing of the deployment may begin any more, as a scheduler
// does.
func (s *system) stop(deployment string) {
	s.t.Helper()
	data, err := contract.Encode(contract.Envelope{ID: deployment + ".stop", Deployment: deployment}, contract.StopEvent{Cause: "cancelled"})
	require.NoError(s.t, err)
	_, err = s.bus.Append(s.t.Context(), contract.StreamEvents, contract.StopSubject(deployment), 0, deployment+".stop", data)
	require.NoError(s.t, err)
}

func TestAJobWhoseDeploymentStopsDoesNotTouchItsHost(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 10)})
	s.stop(id)
	s.executor(nil)
	require.Equal(t, "cancelled", s.await(id, h.Name).State)
	require.Equal(t, "started, cancelled", steps(s.story(id, h.Name)), "no step is begun")
	require.Empty(t, current(t, h))
}

func TestAJobThatRunsStopsBeforeTheSwitchAndLeavesItsHostAsItWas(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	s.executor(nil)
	first := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 10)})
	require.Equal(t, "succeeded", s.await(first, h.Name).State)

	way := newMidway(t, h, 1<<20)
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: way.to(s.target(h)), Package: s.upload("2.0", 4<<20)})
	way.await()
	s.awaitStep(id, h.Name, "stage running")
	s.stop(id)
	ended := s.await(id, h.Name)
	way.open()
	require.Equal(t, "cancelled", ended.State)
	require.Equal(t, "1.0", ended.Release)
	require.Equal(t, "1.0", current(t, h))

	again := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("2.0", 10)})
	ended = s.await(again, h.Name)
	require.Equal(t, "succeeded", ended.State, "something that was left behind is in the way: %v", ended.Failure)
	require.Equal(t, "2.0", current(t, h))
}
