package rollouts

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
)

// question asks a scheduler and returns the answer.
func (s *system) question(subject string, e contract.Envelope, body contract.Body) contract.Body {
	s.t.Helper()
	data, err := contract.Encode(e, body)
	require.NoError(s.t, err)
	reply, err := s.bus.Conn().Request(subject, data, patience)
	require.NoError(s.t, err)
	m, err := contract.Decode(reply.Data)
	require.NoError(s.t, err)
	return m.Body
}

func (s *system) locks() contract.Locks {
	s.t.Helper()
	locks, ok := s.question(contract.QueryLocks, contract.Envelope{}, contract.ListLocks{Limit: 500}).(contract.Locks)
	require.True(s.t, ok)
	return locks
}

// revertOf returns the rollback that the deployment has ordered.
func (s *system) revertOf(id string) (string, contract.RollbackCommand) {
	s.t.Helper()
	by := s.conclusion(id).RolledBackBy
	require.NotEmpty(s.t, by)
	stored, err := s.bus.Last(s.t.Context(), contract.StreamCommands, contract.CommandSubject(contract.VerbRollback, by))
	require.NoError(s.t, err)
	m, err := contract.Decode(stored.Data)
	require.NoError(s.t, err)
	return by, m.Body.(contract.RollbackCommand)
}

func TestAFailedDeploymentIsTakenBackInReverse(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 7)
	var (
		mu   sync.Mutex
		back []string
	)
	s.executors(func(m contract.Message) deploy.State {
		if undo, ok := m.Body.(contract.RollbackJob); ok {
			assert.Equal(t, work, undo.Work, "what goes back is restarted, too")
			mu.Lock()
			defer mu.Unlock()
			back = append(back, m.Host)
			return deploy.Succeeded
		}
		assert.Equal(t, work, m.Body.(contract.DeployJob).Work)
		if m.Host == "h4" {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	policy := contract.Policy{
		Strategy: contract.Strategy{Type: "serial"}, Failures: contract.Failures{Total: "0", Then: "rollback"},
	}
	id := s.deployAs(targets, policy)
	end := s.conclusion(id)
	require.Equal(t, "failed", end.State)
	require.Equal(t, string(deploy.CauseBudget), end.Cause)
	require.Contains(t, end.Reason, "was taken back")
	s.requireWhole(id, targets)

	by, command := s.revertOf(id)
	require.Equal(t, id, command.Of)
	require.Equal(t, "1.0", command.From)
	require.True(t, command.Automatic)
	require.Equal(t, madeBy, command.Origin)
	first, err := s.bus.Next(t.Context(), contract.StreamEvents, contract.SystemEventSubject(by), 0)
	require.NoError(t, err)
	accepted, err := contract.Decode(first.Data)
	require.NoError(t, err)
	require.Equal(t, madeBy, accepted.Body.(contract.AcceptedEvent).Origin)
	require.Equal(t, 1, command.Policy.Strategy.MaxParallel, "no more at once than before")
	require.Equal(t, []string{"h3", "h2", "h1", "h0"}, back)
	require.Equal(t, "succeeded", s.conclusion(by).State)
	s.requireWhole(by, []contract.Target{targets[3], targets[2], targets[1], targets[0]})
}

func TestATakingBackThatFailsIsSaid(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(func(m contract.Message) deploy.State {
		if _, undo := m.Body.(contract.RollbackJob); undo || m.Host == "h1" {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	policy := contract.Policy{Failures: contract.Failures{Total: "0", Then: "rollback"}}
	end := s.conclusion(s.deployAs(servers("h", 2), policy))
	require.Contains(t, end.Reason, "NOT all")
}

func TestNothingIsTakenBackWhereNothingWasSwitched(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(func(contract.Message) deploy.State { return deploy.Failed })
	targets := servers("h", 3)
	policy := contract.Policy{Failures: contract.Failures{Total: "0", Then: "rollback"}}
	id := s.deployAs(targets, policy)
	end := s.conclusion(id)
	require.Empty(t, end.RolledBackBy)
	require.Contains(t, end.Reason, "nothing had to be taken back")
	s.requireWhole(id, targets)
}

func TestDeploymentsBeyondTheLimitWaitInOrder(t *testing.T) {
	s := newSystem(t)
	s.limits = deploy.Limits{Project: 2}
	s.replica()
	s.replica()
	var ids []string
	for i := range 5 {
		id := s.deploy(servers(fmt.Sprintf("p%d-", i), 2), 0)
		ids = append(ids, id)
		if i < 2 {
			require.Eventually(t, func() bool { return len(s.locks().Slots.Holders) == i+1 }, patience, 5*time.Millisecond)
			continue
		}
		require.Equal(t, string(deploy.CauseLimit), s.status(id, deploy.Waiting).Cause)
		// That is said first: only then does it get in line.
		require.Eventually(t, func() bool { return len(s.locks().Slots.Waiting) == i-1 }, patience, 5*time.Millisecond)
	}
	shown := s.locks().Slots
	require.Equal(t, 2, shown.Project)
	var waiting []string
	for _, w := range shown.Waiting {
		waiting = append(waiting, w.Deployment)
	}
	require.Equal(t, ids[2:], waiting)

	s.requireDone(ids[3], "cancel", deploy.Halting) // one that waits leaves the line
	require.Equal(t, "cancelled", s.conclusion(ids[3]).State)
	var (
		mu    sync.Mutex
		begun []string
	)
	s.executors(func(m contract.Message) deploy.State {
		mu.Lock()
		defer mu.Unlock()
		if len(begun) == 0 || begun[len(begun)-1] != m.Deployment {
			begun = append(begun, m.Deployment)
		}
		return deploy.Succeeded
	})
	for _, id := range []string{ids[0], ids[1], ids[2], ids[4]} {
		require.Equal(t, "succeeded", s.conclusion(id).State)
	}
	s.awaitFreePlaces()
}

func TestALimitOverAllLetsTheNextOfAnyProjectIn(t *testing.T) {
	s := newSystem(t)
	s.limits = deploy.Limits{All: 1, Project: 1}
	s.replica()
	first := s.deploy(servers("a", 1), 0)
	require.Eventually(t, func() bool { return len(s.locks().Slots.Holders) == 1 }, patience, 5*time.Millisecond)
	other := s.deployIn("blog", servers("b", 1))
	s.status(other, deploy.Waiting)
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(first).State)
	require.Equal(t, "succeeded", s.conclusion(other).State)
}

func TestAPlaceMayBeKeptForADeploymentThatMustNotWait(t *testing.T) {
	s := newSystem(t)
	s.limits = deploy.Limits{Project: 1}
	s.replica()
	admit := func(id, project string) contract.Body {
		return s.question(contract.Admissions, contract.Envelope{Deployment: id, Project: project}, contract.Admit{})
	}
	require.IsType(t, contract.Admitted{}, admit("d1", "shop"))
	require.IsType(t, contract.Admitted{}, admit("d1", "shop"), "a repeat is no second one")
	require.Equal(t, contract.RefusedLimit, admit("d2", "shop").(contract.Refused).Code)
	require.IsType(t, contract.Admitted{}, admit("d3", "blog"))
	require.Equal(t, contract.RefusedInvalid, admit("", "shop").(contract.Refused).Code)
}

func TestAHostThatAPersonSkipsNeverBegins(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 120)
	id := s.deploy(targets, 110) // no executor is there yet
	s.awaitJob("h99")
	skip := func(hosts ...contract.PlannedTarget) contract.Body {
		return s.question(contract.Controls, contract.Envelope{Deployment: id},
			contract.Control{Verb: "skip", Actor: "bob", Reason: "it burns", Skip: hosts})
	}
	now, later := contract.PlannedTarget{Host: "h3", Name: "host 3"}, contract.PlannedTarget{Host: "h115", Name: "host 115", Wave: 1}
	require.IsType(t, contract.Controlled{}, skip(now, later))
	require.IsType(t, contract.Controlled{}, skip(now, later), "a repeat is no error")
	no := skip(contract.PlannedTarget{Host: "h115", Name: "host 115"}).(contract.Refused)
	require.Equal(t, contract.RefusedConflict, no.Code)
	require.Contains(t, no.Message, "no host of this deployment")

	s.executors(func(m contract.Message) deploy.State {
		require.NotContains(t, []string{"h3", "h115"}, m.Host)
		return deploy.Succeeded
	})
	require.Equal(t, "succeeded", s.conclusion(id).State)
	states := s.requireWhole(id, targets)
	require.Equal(t, deploy.Skipped, states["h3"])
	require.Equal(t, deploy.Skipped, states["h115"])
	require.Equal(t, contract.RefusedConflict, skip(contract.PlannedTarget{Host: "h5", Name: "host 5"}).(contract.Refused).Code)
}

func TestAWholeWaveMayBeSkippedAheadAndTheRestCancelled(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	targets := servers("h", 6)
	policy := waves(2)
	policy.Strategy = contract.Strategy{Type: "canary", First: "2", Batch: "2", Hold: 3_600_000}
	hosts := func(from, to, wave int) (all []contract.PlannedTarget) {
		for _, target := range targets[from:to] {
			all = append(all, contract.PlannedTarget{Host: target.Host, Name: target.Name, Wave: wave})
		}
		return all
	}
	for _, end := range []string{"promote", "cancel"} {
		id := s.deployAs(targets, policy)
		s.status(id, deploy.Holding)
		answer := s.question(contract.Controls, contract.Envelope{Deployment: id},
			contract.Control{Verb: "skip", Actor: "bob", Skip: hosts(2, 4, 1)})
		require.IsType(t, contract.Controlled{}, answer)
		require.Eventually(t, func() bool { return s.record(id).Rollout.Ahead }, patience, 5*time.Millisecond)
		require.IsType(t, contract.Controlled{}, s.ask(id, end))
		s.conclusion(id)
		states := s.requireWhole(id, targets)
		require.Equal(t, deploy.Skipped, states["h2"])
		require.Equal(t, deploy.Skipped, states["h3"])
		require.Equal(t, 2, s.record(id).Rollout.Ended().Skipped)
	}
}

func TestAStandstillIsSaidOnTheDeployment(t *testing.T) {
	s := newSystem(t)
	s.replica()
	defer s.attend(contract.DefaultZone, func(m *nats.Msg) { _ = m.Respond(nil) })() // one that is there, and does nothing
	id := s.deployAs(servers("h", 2), contract.Policy{Progress: 1500})
	require.Eventually(t, func() bool {
		_, m, err := s.last(contract.SystemEventSubject(id))
		have, ok := m.Body.(contract.StatusEvent)
		return err == nil && ok && have.State == "running" && have.Cause == string(deploy.CauseNoProgress)
	}, patience, 20*time.Millisecond)
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(id).State)
}

func TestAZoneWithoutAnyExecutorIsSaidOnTheDeployment(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 2)
	targets[1].Zone = "dmz"
	leave := s.attend(contract.DefaultZone, func(m *nats.Msg) { _ = m.Respond(nil) })
	defer leave()
	id := s.deploy(targets, 0)
	cause := func() (cause, reason string) {
		_, m, err := s.last(contract.SystemEventSubject(id))
		if have, ok := m.Body.(contract.StatusEvent); err == nil && ok && have.State == "running" {
			return have.Cause, have.Reason
		}
		return "none", ""
	}
	require.Eventually(t, func() bool {
		is, reason := cause()
		return is == string(deploy.CauseNoExecutor) && reason == "no executor serves the zone dmz"
	}, patience, 20*time.Millisecond)
	defer s.attend("dmz", func(m *nats.Msg) { _ = m.Respond(nil) })()
	require.Eventually(t, func() bool {
		is, _ := cause()
		return is == ""
	}, patience, 20*time.Millisecond, "it is said when there is one again")
}

func TestALockIsSeenAndBroken(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 2)
	holds := s.deploy(targets, 0) // no executor is there: it keeps its hosts
	require.Eventually(t, func() bool { return len(s.locks().Hosts) == 2 }, patience, 5*time.Millisecond)
	waits := s.deploy(targets[:1], 0)
	require.Eventually(t, func() bool {
		locks := s.locks().Hosts
		return len(locks[0].Waiting) == 1
	}, patience, 5*time.Millisecond)
	require.Equal(t, []contract.HostLock{{Host: "h0", Owner: holds, Waiting: []string{waits}}, {Host: "h1", Owner: holds}}, s.locks().Hosts)
	one := s.question(contract.QueryLocks, contract.Envelope{}, contract.ListLocks{Limit: 1}).(contract.Locks)
	require.Len(t, one.Hosts, 1)
	require.True(t, one.More)

	breakLock := func(host, deployment string) contract.Body {
		return s.question(contract.LockBreaks, contract.Envelope{Host: host},
			contract.BreakLock{Deployment: deployment, Actor: "root", Reason: "it hangs"})
	}
	require.Equal(t, contract.RefusedConflict, breakLock("h0", waits).(contract.Refused).Code)
	require.Equal(t, contract.RefusedNotFound, breakLock("h9", holds).(contract.Refused).Code)
	require.Equal(t, contract.LockBroken{Deployment: holds}, breakLock("h0", holds))
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(waits).State)
	require.Equal(t, "failed", s.conclusion(holds).State)
	states := s.requireWhole(holds, targets)
	require.Equal(t, deploy.Failed, states["h0"])
	require.Equal(t, deploy.Succeeded, states["h1"])
	s.awaitFreeHosts()
	for _, m := range s.story(holds) {
		if ended, ok := m.Body.(contract.JobEndedEvent); ok && m.Host == "h0" {
			require.Equal(t, contract.FailLockBroken, ended.Failure.Code)
			require.Contains(t, ended.Failure.Reason, "root took the host from the deployment: it hangs")
		}
	}
}

// Whoever dies between two steps of giving places leaves them to the sweep.
func TestPlacesAreNotLostWithWhoeverGaveThem(t *testing.T) {
	s := newSystem(t)
	s.limits = deploy.Limits{Project: 1}
	slots, err := bus.OpenCells[deploy.Slots](t.Context(), s.bus, contract.BucketLocks)
	require.NoError(t, err)
	long := time.Now().Add(-time.Hour)
	_, err = slots.Put(t.Context(), slotsKey, deploy.Slots{Holders: []deploy.Holder{{Deployment: "gone", Since: long}}})
	require.NoError(t, err)
	s.replica()
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(s.deploy(servers("h", 1), 0)).State)
}

func TestMeasurementsDecideAboutACanary(t *testing.T) {
	s := newSystem(t)
	var good atomic.Bool
	good.Store(true)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !good.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(srv.Close)
	s.meter = analysis.Settings{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	s.replica()
	s.replica()
	s.executors(succeed)
	targets := servers("h", 6)
	policy := contract.Policy{
		Strategy: contract.Strategy{Type: "canary", First: "2", Analysis: &contract.Analysis{
			Checks:   []contract.Check{{Name: "up", HTTP: &contract.HTTPCheck{URL: srv.URL}}},
			Interval: 50, Successes: 3,
		}},
		Failures: contract.Failures{Total: "0", Then: "rollback"},
	}
	id := s.deployAs(targets, policy)
	require.Equal(t, "succeeded", s.conclusion(id).State)
	var told []string
	for _, m := range s.story(id) {
		if b, ok := m.Body.(contract.StatusEvent); ok && b.State == string(deploy.Analyzing) {
			told = append(told, b.Reason)
		}
	}
	require.Equal(t, "0 of 3 measurements passed, 0 failed", told[0])
	require.Contains(t, told[len(told)-1], "2 of 3 measurements passed, 0 failed; the last: up: pass (200)")

	good.Store(false)
	bad := s.deployAs(targets, policy)
	end := s.conclusion(bad)
	require.Equal(t, string(deploy.CauseAnalysis), end.Cause)
	require.Contains(t, end.Reason, "1 failed; the last: up: fail (503)")
	require.Contains(t, end.Reason, "was taken back")
	require.Equal(t, 4, s.record(bad).Rollout.Ended().Skipped)
}
