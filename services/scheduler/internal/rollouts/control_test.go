package rollouts

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// ask asks schedulers as the gateway does and returns the answer.
func (s *system) ask(id, verb string) contract.Body {
	s.t.Helper()
	data, err := contract.Encode(contract.Envelope{Deployment: id}, contract.Control{Verb: verb, Actor: "bob", Digest: "d1"})
	require.NoError(s.t, err)
	reply, err := s.bus.Conn().Request(contract.Controls, data, patience)
	require.NoError(s.t, err)
	m, err := contract.Decode(reply.Data)
	require.NoError(s.t, err)
	return m.Body
}

func (s *system) requireDone(id, verb string, state deploy.State) {
	s.t.Helper()
	s.requireDoneOnce(id, verb, state)
	require.IsType(s.t, contract.Controlled{}, s.ask(id, verb), "a repeat is no error")
}

// requireDoneOnce is for a verb that is refused once the deployment has ended, which
// it may have by the time of a repeat.
func (s *system) requireDoneOnce(id, verb string, state deploy.State) {
	s.t.Helper()
	done, ok := s.ask(id, verb).(contract.Controlled)
	require.True(s.t, ok)
	require.Equal(s.t, string(state), done.State)
}

// status waits until the last that was said of a deployment is this state.
func (s *system) status(id string, state deploy.State) contract.StatusEvent {
	s.t.Helper()
	var have contract.StatusEvent
	require.Eventually(s.t, func() bool {
		_, m, err := s.last(contract.SystemEventSubject(id))
		have, _ = m.Body.(contract.StatusEvent)
		return err == nil && have.State == string(state)
	}, patience, 5*time.Millisecond, "deployment %s is not %s", id, state)
	return have
}

func TestACancelledDeploymentBeginsNothingMoreAndLeavesNoLock(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 250)
	id := s.deploy(targets, 0) // no executor is there: all of them are pending
	s.awaitJob(targets[50].Host)
	s.requireDone(id, "cancel", deploy.Halting)

	end := s.conclusion(id)
	require.Equal(t, "cancelled", end.State)
	require.Equal(t, "bob", end.Actor)
	for _, state := range s.requireWhole(id, targets) {
		require.Equal(t, deploy.Cancelled, state)
	}
	s.requireDone(id, "cancel", deploy.Cancelled)
	require.Equal(t, contract.RefusedConflict, s.ask(id, "resume").(contract.Refused).Code)
	_, m, err := s.last(contract.StopSubject(id))
	require.NoError(t, err)
	require.Equal(t, contract.StopEvent{Cause: "cancelled"}, m.Body)

	next := s.deploy(targets, 0)
	s.executors(func(m contract.Message) deploy.State {
		require.NotEqual(t, id, m.Deployment)
		return deploy.Succeeded
	})
	require.Equal(t, "succeeded", s.conclusion(next).State)
}

func TestADeploymentThatNobodyTookYetCanBeCancelled(t *testing.T) {
	s := newSystem(t)
	targets := servers("h", 3)
	id := s.deploy(targets, 0)
	s.replica()
	s.requireDone(id, "cancel", deploy.Halting)
	require.Equal(t, "cancelled", s.conclusion(id).State)
	require.Equal(t, contract.RefusedNotFound, s.ask("nothing", "cancel").(contract.Refused).Code)
}

func TestACanaryGoesOnWhenAPersonSaysSo(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	targets := servers("h", 12)
	policy := contract.Policy{Strategy: contract.Strategy{Type: "canary", First: "2", Batch: "5", Hold: 3_600_000}}
	id := s.deployAs(targets, policy)
	held := s.status(id, deploy.Holding)
	require.NotNil(t, held.Until)
	s.requireDone(id, "promote", deploy.Running)
	require.Equal(t, "succeeded", s.conclusion(id).State)
	s.requireWhole(id, targets)

	rejected := s.deployAs(targets, policy)
	s.status(rejected, deploy.Holding)
	s.requireDone(rejected, "reject", deploy.Halting)
	end := s.conclusion(rejected)
	require.Equal(t, "failed", end.State)
	require.Equal(t, string(deploy.CauseCanaryRejected), end.Cause)
	s.requireWhole(rejected, targets)
}

func TestAPlanBeginsOnceItIsApproved(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	targets := servers("h", 2)
	id := s.deployAs(targets, contract.Policy{Approval: &contract.Approval{Digest: "d1", Expires: time.Now().Add(time.Hour)}})
	s.status(id, deploy.AwaitingApproval)
	s.requireDone(id, "approve", deploy.Running)
	require.Equal(t, "succeeded", s.conclusion(id).State)
}

func TestTimeEndsWhatIsWaitedFor(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	soon := time.Now().Add(300 * time.Millisecond)
	waited := s.deployAs(servers("a", 2), contract.Policy{StartAt: &soon})
	expired := s.deployAs(servers("b", 2), contract.Policy{Approval: &contract.Approval{Digest: "d", Expires: soon}})
	canary := s.deployAs(servers("c", 2), contract.Policy{Strategy: contract.Strategy{Type: "canary", First: "1", Hold: 200}})
	rolling := waves(1)
	rolling.Strategy.Pause = 100
	paused := s.deployAs(servers("d", 3), rolling)

	require.Equal(t, "succeeded", s.conclusion(waited).State)
	require.False(t, time.Now().Before(soon))
	require.Equal(t, "rejected", s.conclusion(expired).State)
	require.Equal(t, string(deploy.CauseCanaryTimeout), s.conclusion(canary).Cause)
	require.Equal(t, "succeeded", s.conclusion(paused).State)
}

func TestADeadlineStopsADeploymentThatNobodyCarriesOut(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 3)
	id := s.deployAs(targets, contract.Policy{Deadline: 200})
	end := s.conclusion(id)
	require.Equal(t, "failed", end.State)
	require.Equal(t, string(deploy.CauseDeadline), end.Cause)
	s.requireWhole(id, targets)
}

func TestNoMoreHostsAreAtWorkThanAsked(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 30)
	id := s.deployAs(targets, contract.Policy{Strategy: contract.Strategy{Type: "all", MaxParallel: 4}})
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(id).State)
	s.requireWhole(id, targets)
	atWork := 0
	for _, m := range s.story(id) { // the next job follows from an end: their order is that of the stream
		switch m.Body.(type) {
		case contract.JobStartedEvent:
			atWork++
		case contract.JobEndedEvent:
			atWork--
		}
		require.LessOrEqual(t, atWork, 4)
	}
}

func TestAPausedDeploymentRestsUntilItIsResumed(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 40)
	id := s.deploy(targets, 10)
	s.awaitJob(targets[0].Host)
	s.requireDone(id, "pause", deploy.Paused)
	s.status(id, deploy.Paused)
	s.executors(succeed)
	require.Eventually(t, func() bool { // the wave that had begun goes on
		rec := s.record(id)
		return rec.Rollout.Phase == deploy.Held && rec.Rollout.Wave <= 1
	}, patience, 5*time.Millisecond)
	s.requireDoneOnce(id, "resume", deploy.Running)
	require.Equal(t, "succeeded", s.conclusion(id).State)
	s.requireWhole(id, targets)
}

func (s *system) record(id string) record {
	s.t.Helper()
	records, err := bus.OpenCells[record](s.t.Context(), s.bus, contract.BucketDeploy)
	require.NoError(s.t, err)
	rec, _, err := records.Get(s.t.Context(), id)
	require.NoError(s.t, err)
	return rec
}
