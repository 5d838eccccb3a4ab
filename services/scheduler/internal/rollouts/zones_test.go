package rollouts

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// scheduler is a replica that takes no inputs.
func (s *system) scheduler() *Scheduler {
	s.t.Helper()
	sched, err := New(s.t.Context(), s.srv.OpenBus(s.t), zerolog.Nop(), Settings{Sweep: time.Hour})
	require.NoError(s.t, err)
	return sched
}

// attend answers for a zone as its executors do, until leave is called.
func (s *system) attend(zone string, answer nats.MsgHandler) (leave func()) {
	s.t.Helper()
	nc := s.srv.OpenBus(s.t).Conn()
	_, err := nc.QueueSubscribe(contract.ExecutorSubject(zone), "executors", answer)
	require.NoError(s.t, err)
	require.NoError(s.t, nc.Flush())
	return nc.Close
}

func here(msg *nats.Msg) { _ = msg.Respond(nil) }

func TestZonesWithoutAnExecutorAreFound(t *testing.T) {
	s := newSystem(t)
	sched := s.scheduler()
	lacking := func(zones ...string) []string {
		none, err := sched.lacking(t.Context(), zones)
		require.NoError(t, err)
		return none
	}
	require.Equal(t, []string{"default", "dmz", "lab"}, lacking("lab", "dmz", "default"))

	first, second := s.attend("dmz", here), s.attend("dmz", here)
	s.attend("lab", func(*nats.Msg) {})
	require.Equal(t, []string{"default"}, lacking("lab", "dmz", "default"), "one that is silent is there all the same")
	require.Empty(t, lacking("dmz"))

	first()
	require.Empty(t, lacking("dmz"), "another is left")
	second()
	require.Eventually(t, func() bool { return len(lacking("dmz")) == 1 }, patience, 5*time.Millisecond)
}

func TestWithoutABrokerNobodyKnowsWhichZonesAreServed(t *testing.T) {
	s := newSystem(t)
	sched := s.scheduler()
	s.attend("dmz", here)
	s.srv.Stop()
	_, err := sched.lacking(t.Context(), []string{"dmz"})
	require.ErrorIs(t, err, bus.ErrUnavailable)

	s.srv.Restart()
	require.Eventually(t, func() bool {
		none, err := sched.lacking(context.Background(), []string{"dmz"})
		return err == nil && len(none) == 0
	}, patience, 5*time.Millisecond)
}

func TestADeploymentWaitsForTheZonesOfWhatHasBegunAndNotEnded(t *testing.T) {
	s := newSystem(t)
	s.replica()
	sched := s.scheduler()
	targets := servers("h", 6) // two waves of three
	for i, zone := range []string{"", "dmz", "lab", "", "far", "far"} {
		targets[i].Zone = zone
	}
	s.executorsOf(contract.JobsOfZone(""), succeed)
	s.attend("", here)
	leaveLab := s.attend("lab", here)
	id := s.deploy(targets, 3)

	waitsFor := func(zones ...string) {
		t.Helper()
		var last []string
		require.Eventually(t, func() bool {
			rec, _, err := sched.records.Get(context.Background(), id)
			if err != nil || rec.Command == nil {
				return false
			}
			o, err := readOrder(rec.Command)
			if err == nil {
				last, err = sched.unserved(context.Background(), o, rec.Rollout)
			}
			return err == nil && slices.Equal(last, zones)
		}, patience, 5*time.Millisecond, "it waits for %v", zones)
	}
	waitsFor("dmz")
	leaveLab()
	waitsFor("dmz", "lab")
	s.ended(id, 2, targets[2].Host, deploy.Succeeded)
	waitsFor("dmz")
	s.ended(id, 1, targets[1].Host, deploy.Succeeded)
	waitsFor("far")
	s.ended(id, 4, targets[4].Host, deploy.Succeeded)
	s.ended(id, 5, targets[5].Host, deploy.Succeeded)
	require.Equal(t, "succeeded", s.conclusion(id).State)
}

func TestAJobLeftBehindInAZoneWithoutAnExecutorIsInNobodysWay(t *testing.T) {
	s := newSystem(t)
	s.replica()
	lost, found := servers("h", 3), servers("h", 3)
	for i := range lost {
		lost[i].Zone = "nowhere"
	}
	first := s.deploy(lost, 0)
	s.awaitJob(lost[2].Host)
	s.executorsOf(contract.JobsOfZone(""), succeed)
	second := s.deploy(found, 0)
	s.requireDone(first, "cancel", deploy.Halting)
	require.Equal(t, "cancelled", s.conclusion(first).State)
	require.Equal(t, "succeeded", s.conclusion(second).State)
	s.requireWhole(first, lost)
	s.requireWhole(second, found)
}
