package rollouts

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// idle is a scheduler that takes no inputs: the test calls it.
func (s *system) idle(limits deploy.Limits) *Scheduler {
	s.t.Helper()
	sched, err := New(s.t.Context(), s.srv.OpenBus(s.t), zerolog.Nop(), Settings{Sweep: time.Second, Limits: limits})
	require.NoError(s.t, err)
	return sched
}

func (s *Scheduler) mustWait(t *testing.T, project string, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, s.enterLine(t.Context(), deploy.Holder{Deployment: fmt.Sprintf("%s%d", project, i), Project: project}))
	}
}

func (s *Scheduler) mustTake(t *testing.T, project string, n int) {
	t.Helper()
	for i := range n {
		in, _, err := s.enterSlot(t.Context(), deploy.Holder{Deployment: fmt.Sprintf("%s under way %d", project, i), Project: project})
		require.NoError(t, err)
		require.True(t, in)
	}
}

// reads counts what the scheduler reads of LOCKS while fn runs.
func (s *system) reads(sched *Scheduler, fn func()) int {
	s.t.Helper()
	nc := s.bus.Conn()
	var subs []*nats.Subscription
	for _, subject := range []string{"$JS.API.DIRECT.GET.KV_LOCKS", "$JS.API.DIRECT.GET.KV_LOCKS.>", "$JS.API.STREAM.MSG.GET.KV_LOCKS"} {
		sub, err := nc.SubscribeSync(subject)
		require.NoError(s.t, err)
		subs = append(subs, sub)
	}
	require.NoError(s.t, nc.Flush())
	fn()
	require.NoError(s.t, sched.bus.Conn().Flush()) // a question may be answered before those who listen in have it
	require.NoError(s.t, nc.Flush())
	count := 0
	for _, sub := range subs {
		n, _, err := sub.Pending()
		require.NoError(s.t, err)
		count += n
		require.NoError(s.t, sub.Unsubscribe())
	}
	return count
}

func TestALineOfAFullProjectIsNotReadFromEndToEnd(t *testing.T) {
	s := newSystem(t)
	sched := s.idle(deploy.Limits{All: 5, Project: 2})
	sched.mustTake(t, "shop", 2)
	grant := func() { require.NoError(t, sched.grant(t.Context(), everyLine, "")) }
	sched.mustWait(t, "shop", 5)
	few := s.reads(sched, grant)
	require.Positive(t, few)
	sched.mustWait(t, "shop", 50)
	require.Equal(t, few, s.reads(sched, grant))
}

func TestTheFirstOfTheProjectsWithRoomIsNext(t *testing.T) {
	s := newSystem(t)
	sched := s.idle(deploy.Limits{All: 4, Project: 2})
	next := func() string {
		_, w, err := sched.nextInLine(t.Context(), everyLine)
		if err != nil {
			require.ErrorIs(t, err, bus.ErrNone)
		}
		return w.Deployment
	}
	require.Empty(t, next())
	sched.mustTake(t, "shop", 2)
	sched.mustWait(t, "shop", 3)
	require.Empty(t, next())
	sched.mustWait(t, "wiki", 1)
	sched.mustWait(t, "blog", 2)
	sched.mustWait(t, "", 1)
	require.Equal(t, "wiki0", next())
	require.NoError(t, sched.waiting.Forget(t.Context(), waitingKey("wiki", "wiki0")))
	require.Equal(t, "blog0", next())
	keys, err := sched.waiting.Keys(t.Context(), projectKeys+"*")
	require.NoError(t, err)
	require.Len(t, keys, 3, "nobody of wiki waits any more")

	sched.mustTake(t, "blog", 1)
	sched.mustTake(t, "wiki", 1)
	require.Empty(t, next(), "all places are taken")
	require.NoError(t, sched.leaveSlot(t.Context(), "wiki under way 0"))
	require.Equal(t, "blog0", next())
	in, _, err := sched.enterSlot(t.Context(), deploy.Holder{Deployment: "blog0", Project: "blog"})
	require.NoError(t, err)
	require.True(t, in)
	require.NoError(t, sched.leaveSlot(t.Context(), "blog under way 0"))
	require.Equal(t, "blog0", next(), "whoever gave it a place died")
}

func TestTheSweepNotesProjectsOfWhichSomebodyWaits(t *testing.T) {
	s := newSystem(t)
	s.idle(deploy.Limits{Project: 1}).mustWait(t, "blog", 1)
	sched := s.idle(deploy.Limits{All: 3, Project: 1}) // the schedulers were started again, with another limit
	sched.mustTake(t, "shop", 1)
	sched.mustTake(t, "blog", 1)
	sched.mustWait(t, "shop", 1)
	line, projects, err := sched.inLine(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"blog0": true, "shop0": true}, line)
	require.NoError(t, sched.noteProjects(t.Context(), projects))
	require.NoError(t, sched.leaveSlot(t.Context(), "blog under way 0"))
	_, w, err := sched.nextInLine(t.Context(), everyLine)
	require.NoError(t, err)
	require.Equal(t, "blog0", w.Deployment)
}
