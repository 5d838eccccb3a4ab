package rollouts

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestADeploymentLargerThanAPieceEndsOnEveryHost(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	targets := servers("h", 2*deploy.PieceSize+50)
	id := s.deploy(targets, 0)

	require.Equal(t, "succeeded", s.conclusion(id).State)
	for _, state := range s.requireWhole(id, targets) {
		require.Equal(t, deploy.Succeeded, state)
	}
	snapshots, err := bus.OpenCells[contract.SnapshotPiece](t.Context(), s.bus, contract.BucketSnapshots)
	require.NoError(t, err)
	keys, err := snapshots.Keys(t.Context(), ">")
	require.NoError(t, err)
	require.Empty(t, keys, "the snapshot holds credentials and must not outlive the deployment")
}

func TestAWaveBeginsOnlyWhenTheOneBeforeHasEnded(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	targets := servers("h", 25)
	id := s.deploy(targets, 10)

	require.Equal(t, "succeeded", s.conclusion(id).State)
	s.requireWhole(id, targets)
	ended, wave := 0, 0
	for _, m := range s.story(id) {
		switch m.Body.(type) {
		case contract.WaveEvent:
			require.Equal(t, 10*m.Wave, ended, "wave %d began early or late", m.Wave)
			wave = m.Wave
		case contract.JobEndedEvent:
			require.Equal(t, wave, m.Wave)
			ended++
		}
	}
}

func TestAFailedHostSkipsWhatHasNotBegun(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(func(m contract.Message) deploy.State {
		if m.Target == 12 {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	targets := servers("h", 230)
	id := s.deploy(targets, 10)

	end := s.conclusion(id)
	require.Equal(t, "failed", end.State)
	require.Equal(t, string(deploy.CauseBudget), end.Cause)
	outcomes := s.requireWhole(id, targets)
	for i, target := range targets {
		switch state := outcomes[target.Host]; {
		case i < 10:
			require.Equal(t, deploy.Succeeded, state, target.Host)
		case i == 12:
			require.Equal(t, deploy.Failed, state, target.Host)
		case i < 20:
			require.Contains(t, []deploy.State{deploy.Succeeded, deploy.Skipped}, state, "it was at work, or had not begun")
		default:
			require.Equal(t, deploy.Skipped, state, target.Host)
		}
	}
}

func TestDeploymentsTakeTurnsOnAHost(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 20)
	var ids []string
	for range 5 {
		ids = append(ids, s.deploy(targets, 0))
	}
	s.executors(succeed) // only now, so that all of them wait for the same hosts
	for _, id := range ids {
		require.Equal(t, "succeeded", s.conclusion(id).State)
		s.requireWhole(id, targets)
	}
}

func TestSchedulersThatCrashLoseAndDoubleNothing(t *testing.T) {
	s := newSystem(t)
	s.executors(func(m contract.Message) deploy.State {
		if m.Target%17 == 16 {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	crashes := s.crashes()
	targets := servers("h", 50)
	ids := make([]string, 10)
	for i := range ids {
		ids[i] = s.deploy(targets, []int{0, 20, 7}[i%3])
	}
	crashes.endAfter(8 * time.Second)
	s.replica()
	for _, id := range ids {
		require.Equal(t, "failed", s.conclusion(id).State)
		s.requireWhole(id, targets)
	}
}

// crashes is three replicas that crash and begin again all the time.
type crashes struct {
	stop     atomic.Bool
	replicas sync.WaitGroup
}

func (s *system) crashes() *crashes {
	c := &crashes{}
	for n := range 3 {
		dice := rand.New(rand.NewPCG(uint64(n), 1)) // chaos that can be repeated
		c.replicas.Go(func() {
			for !c.stop.Load() {
				crash := s.replica()
				select {
				case <-time.After(time.Duration(dice.IntN(400)) * time.Millisecond):
				case <-s.t.Context().Done():
				}
				crash()
			}
		})
	}
	return c
}

// endAfter lets them crash for so long.
func (c *crashes) endAfter(d time.Duration) {
	time.AfterFunc(d, func() { c.stop.Store(true) })
	c.replicas.Wait()
}

// Whatever a deployment waits for, and whatever people ask of it: it ends once,
// and so does the rollback that takes it back.
func TestSchedulersThatCrashKeepPlacesVerdictsAndRollbacks(t *testing.T) {
	s := newSystem(t)
	s.limits = deploy.Limits{Project: 3}
	s.executors(func(m contract.Message) deploy.State {
		if _, undo := m.Body.(contract.RollbackJob); !undo && m.Target == 7 {
			return deploy.Failed
		}
		return deploy.Succeeded
	})
	crashes := s.crashes()
	targets := servers("h", 10)
	kinds := []struct {
		policy contract.Policy
		asked  string // by a person, again and again
		state  deploy.State
	}{
		{contract.Policy{Strategy: contract.Strategy{Type: "rolling", Batch: "3"}, Failures: contract.Failures{Total: "0", Then: "rollback"}}, "", deploy.Failed},
		{contract.Policy{Strategy: contract.Strategy{Type: "canary", First: "3", Hold: 600_000}}, "promote", deploy.Failed},
		{contract.Policy{Strategy: contract.Strategy{Type: "canary", First: "3", Hold: 600_000}}, "cancel", deploy.Cancelled},
		{contract.Policy{Approval: &contract.Approval{Digest: "d1", Expires: time.Now().Add(time.Hour)}}, "reject", deploy.Rejected},
	}
	ids := make([]string, 2*len(kinds))
	var people sync.WaitGroup
	ended, sayNoMore := context.WithCancel(t.Context())
	for i := range ids {
		kind := kinds[i%len(kinds)]
		ids[i] = s.deployAs(targets, kind.policy)
		if kind.asked != "" {
			people.Go(func() { s.insist(ended, ids[i], kind.asked) })
		}
	}
	crashes.endAfter(8 * time.Second)
	s.replica()
	for i, id := range ids {
		kind := kinds[i%len(kinds)]
		end := s.conclusion(id)
		require.Equal(t, string(kind.state), end.State, kind.asked)
		s.requireWhole(id, targets)
		if kind.policy.Failures.Then != "" {
			by, command := s.revertOf(id)
			require.Equal(t, id, command.Of)
			require.Equal(t, "succeeded", s.conclusion(by).State)
		}
	}
	sayNoMore()
	people.Wait()
	commands, err := s.bus.JetStream().Stream(t.Context(), contract.StreamCommands)
	require.NoError(t, err)
	info, err := commands.Info(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, len(ids)+2, info.State.Msgs, "each that failed was taken back once")
	s.awaitFreePlaces()
}

// insist asks for something until ctx ends, as a person does whom nobody answers.
func (s *system) insist(ctx context.Context, id, verb string) {
	data, err := contract.Encode(contract.Envelope{Deployment: id}, contract.Control{Verb: verb, Actor: "bob", Digest: "d1"})
	if err != nil {
		s.t.Error(err)
		return
	}
	for ctx.Err() == nil {
		_, _ = s.bus.Conn().Request(contract.Controls, data, 200*time.Millisecond) // nobody may be there, or too early
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func TestACommandWithoutItsSnapshotFailsAndSaysSo(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.command(contract.Envelope{ID: "lost", Deployment: "lost"}, contract.Snapshot{ID: "nowhere", Pieces: 1, Targets: 3}, contract.Policy{})
	end := s.conclusion("lost")
	require.Equal(t, "failed", end.State)
	require.Contains(t, end.Reason, "snapshot")
}

func TestACommandThatCannotBeReadIsSetAside(t *testing.T) {
	s := newSystem(t)
	s.replica()
	_, err := s.bus.Publish(t.Context(), contract.CommandSubject("deploy", "x"), "", []byte(`{"v":1,"type":"slipway.v9.cmd.deploy"}`))
	require.NoError(t, err)
	consumer, err := s.bus.Consumer(t.Context(), contract.StreamCommands, bus.ConsumerConfig("scheduler", contract.CommandsAll, ackWait))
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := consumer.Info(context.Background())
		return err == nil && info.AckFloor.Stream == 1 && info.NumAckPending == 0
	}, patience, 10*time.Millisecond)
}

func TestTheSweepFreesAHostWhoseOwnerHasEnded(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.executors(succeed)
	targets := servers("h", 1)
	done := s.deploy(targets, 0)
	s.conclusion(done)
	s.requireWhole(done, targets)

	queues, err := bus.OpenCells[deploy.Queue](t.Context(), s.bus, contract.BucketLocks)
	require.NoError(t, err)
	_, err = queues.Put(t.Context(), targets[0].Host, deploy.Queue{Owner: &deploy.Claim{Deployment: done}})
	require.NoError(t, err)
	next := s.deploy(targets, 0)
	require.Equal(t, "succeeded", s.conclusion(next).State)
}

// ended publishes the last event of a target as an executor would.
func (s *system) ended(id string, target int, host string, state deploy.State) {
	s.t.Helper()
	e := contract.Envelope{ID: xid.New().String(), Deployment: id, Host: host, Target: target, Attempt: 1}
	data, err := contract.Encode(e, contract.JobEndedEvent{State: string(state)})
	require.NoError(s.t, err)
	_, err = s.bus.Publish(s.t.Context(), contract.JobEventSubject(id, host), e.ID, data)
	require.NoError(s.t, err)
}

func TestAHostWhoseSlotStaysTakenHoldsUpNoOtherDeployment(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 40)
	// An executor died after the last word of an earlier job and before its
	// acknowledgement, and nobody is there yet to find that out.
	old, err := contract.Encode(contract.Envelope{Deployment: "earlier", Host: targets[0].Host}, contract.DeployJob{})
	require.NoError(t, err)
	require.NoError(t, s.bus.Offer(t.Context(), "", targets[0].Host, old))
	blocked := s.deploy(targets, 0)
	for i, target := range targets[1:] {
		s.ended(blocked, i+1, target.Host, deploy.Succeeded)
	}
	others := servers("other", 1)
	free := s.deploy(others, 0)
	s.ended(free, 0, others[0].Host, deploy.Succeeded)
	require.Equal(t, "succeeded", s.conclusion(free).State)
	story := s.story(blocked)
	require.NotEqual(t, contract.TypeConcluded, story[len(story)-1].Type)
}

func TestAnEventOutsideThePlanTakesNoOtherWithIt(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 2)
	id := s.deploy(targets, 0)
	s.ended(id, 77, "stranger", deploy.Succeeded)
	for i, target := range targets {
		s.ended(id, i, target.Host, deploy.Succeeded)
	}
	require.Equal(t, "succeeded", s.conclusion(id).State)
}

func TestASnapshotThatIsTooShortFailsTheDeployment(t *testing.T) {
	s := newSystem(t)
	s.replica()
	cells, err := bus.OpenCells[contract.SnapshotPiece](t.Context(), s.bus, contract.BucketSnapshots)
	require.NoError(t, err)
	_, err = cells.Put(t.Context(), "short.0", contract.SnapshotPiece{Targets: servers("h", 2)})
	require.NoError(t, err)
	s.command(contract.Envelope{ID: "d", Deployment: "d"}, contract.Snapshot{ID: "short", Pieces: 1, Targets: 3}, contract.Policy{})
	end := s.conclusion("d")
	require.Equal(t, "failed", end.State)
	require.Contains(t, end.Reason, "snapshot")
}

func TestTheSweepFindsAClaimThatWasLost(t *testing.T) {
	s := newSystem(t)
	s.replica()
	targets := servers("h", 3)
	id := s.deploy(targets, 0)
	s.awaitJob(targets[2].Host)
	queues, err := bus.OpenCells[deploy.Queue](t.Context(), s.bus, contract.BucketLocks)
	require.NoError(t, err)
	require.NoError(t, queues.Delete(t.Context(), targets[1].Host, 0))
	jobs, err := s.bus.JetStream().Stream(t.Context(), contract.StreamJobs)
	require.NoError(t, err)
	require.NoError(t, jobs.Purge(t.Context()), "a broker that lost what was not on disk")
	s.executors(succeed)
	require.Equal(t, "succeeded", s.conclusion(id).State)
	s.requireWhole(id, targets)
}
