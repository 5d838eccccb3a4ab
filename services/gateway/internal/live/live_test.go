package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
)

const patience = time.Minute

// stage is a broker with events, and hubs that show them.
type stage struct {
	*testing.T
	broker *bustest.Server
	bus    *bus.Bus
	last   map[string]uint64 // by subject
}

func newStage(t *testing.T) *stage {
	broker := bustest.Start(t)
	return &stage{T: t, broker: broker, bus: broker.OpenBus(t), last: map[string]uint64{}}
}

func (s *stage) hub(keep int) *live.Hub {
	s.Helper()
	h := live.Open(s.Context(), s.bus, live.Settings{Watches: 1000, Keep: keep, Linger: time.Minute, Idle: 100}, zerolog.Nop())
	s.Cleanup(h.Close)
	return h
}

// tell stores an event as a service would.
func (s *stage) tell(deployment, host string, body contract.Body) uint64 {
	s.Helper()
	subject := contract.SystemEventSubject(deployment)
	switch {
	case host != "":
		subject = contract.JobEventSubject(deployment, host)
	case body.MessageType() == contract.TypeStop:
		subject = contract.StopSubject(deployment)
	}
	data, err := contract.Encode(contract.Envelope{Deployment: deployment, Host: host}, body)
	require.NoError(s, err)
	seq, err := s.bus.Append(s.Context(), contract.StreamEvents, subject, s.last[subject], fmt.Sprint(subject, s.last[subject]), data)
	require.NoError(s, err)
	s.last[subject] = seq
	return seq
}

func (s *stage) progress(deployment string, n int) (seqs []uint64) {
	s.Helper()
	for i := range n {
		seqs = append(seqs, s.tell(deployment, "h1", contract.JobProgressEvent{Step: "stage", Done: int64(i)}))
	}
	return seqs
}

func (s *stage) watch(h *live.Hub, deployment string, after uint64) *live.Watch {
	s.Helper()
	w, err := h.Watch(s.Context(), "me", deployment, after)
	require.NoError(s, err)
	s.Cleanup(w.Close)
	return w
}

// see waits until a watch has shown so many events.
func (s *stage) see(w *live.Watch, n int) (seqs []uint64) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for len(seqs) < n {
		events, err := w.Next(ctx)
		require.NoError(s, err, "%d of %d events were shown", len(seqs), n)
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

// seeAll waits until so many events of a deployment were shown, and comes back whenever it was left behind, as it is where
// the machine stalls.
func (s *stage) seeAll(h *live.Hub, deployment string, n int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	last := uint64(0)
	w := s.watch(h, deployment, last)
	for seen := 0; seen < n; {
		events, err := w.Next(ctx)
		if errors.Is(err, live.ErrSlow) {
			w = s.watch(h, deployment, last)
			continue
		}
		require.NoError(s, err, "%d of %d events were shown", seen, n)
		seen, last = seen+len(events), events[len(events)-1].Seq
	}
}

func TestADeploymentIsShownFromItsFirstEventToItsLast(t *testing.T) {
	s := newStage(t)
	s.tell("other", "", contract.AcceptedEvent{Kind: "deploy"})
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy", Application: "shop", Targets: 1})
	w := s.watch(s.hub(100), "d1", 0)
	require.Equal(t, []uint64{2}, s.see(w, 1))
	s.tell("other", "", contract.WaveEvent{})
	s.tell("d1", "", contract.StopEvent{Cause: "cancelled"}) // a word among services
	s.tell("d1", "h1", contract.JobStartedEvent{Executor: "e1", Step: "connect"})
	s.tell("d1", "h1", contract.JobEndedEvent{State: "failed", Failure: &contract.Failure{Code: "auth", Reason: "no key"}})
	s.tell("d1", "", contract.ConcludedEvent{State: "failed"})
	var types []string
	var last []byte
	for len(types) < 3 {
		events, err := w.Next(t.Context())
		require.NoError(t, err)
		for _, e := range events {
			types, last = append(types, e.Type), e.JSON
			require.Equal(t, e.Type == "deployment.failed", e.Last)
		}
	}
	require.Equal(t, []string{"host.started", "host.failed", "deployment.failed"}, types)
	var shown struct {
		Seq        uint64
		Deployment string
		Data       struct{ State string }
	}
	require.NoError(t, json.Unmarshal(last, &shown))
	require.Equal(t, uint64(7), shown.Seq)
	require.Equal(t, "d1", shown.Deployment)
	require.Equal(t, "failed", shown.Data.State)
	_, err := w.Next(t.Context())
	require.ErrorIs(t, err, live.ErrOver)
	_, err = s.watch(s.hub(100), "d1", 7).Next(t.Context())
	require.ErrorIs(t, err, live.ErrOver, "another gateway knows as well")
}

// Whoever goes away after any event and comes back to any gateway, whatever that has kept, has every event once.
func TestWhoeverComesBackMissesNothing(t *testing.T) {
	for _, deployment := range []string{"d1", live.All} {
		s := newStage(t)
		first := s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
		hubs := []*live.Hub{s.hub(5), s.hub(100)}
		told := make(chan []uint64, 1)
		go func() { told <- s.progress("d1", 400) }()
		seen := []uint64{first}
		for len(seen) < 401 {
			w, err := hubs[rand.IntN(2)].Watch(t.Context(), "me", deployment, seen[len(seen)-1])
			require.NoError(t, err)
			for range 1 + rand.IntN(3) {
				events, err := w.Next(t.Context())
				if err != nil {
					require.ErrorIs(t, err, live.ErrSlow)
					break
				}
				for _, e := range events[:1+rand.IntN(len(events))] { // it was cut off before it had all
					seen = append(seen, e.Seq)
				}
				if seen[len(seen)-1] < events[len(events)-1].Seq || len(seen) == 401 {
					break
				}
			}
			w.Close()
		}
		require.Equal(t, append([]uint64{first}, <-told...), seen)
	}
}

func TestAllAreShownFromNowOn(t *testing.T) {
	s := newStage(t)
	h := s.hub(100)
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	s.tell("d1", "", contract.WaveEvent{})
	one := s.watch(h, live.All, 0)
	next := make(chan []*live.Event, 1)
	go func() {
		events, _ := one.Next(t.Context())
		next <- events
	}()
	// It is not known when it has begun to look, so there is something to see until it has.
	var seen []*live.Event
	for n := 0; seen == nil; n++ {
		s.tell(fmt.Sprint("new", n), "", contract.AcceptedEvent{Kind: "deploy"})
		select {
		case seen = <-next:
		case <-time.After(20 * time.Millisecond):
		}
	}
	require.NotEqual(t, "d1", seen[0].Deployment, "it was before")
	require.Equal(t, []uint64{2, 3}, s.see(s.watch(s.hub(100), live.All, 1), 2)[:2])
}

func TestWhoIsLeftBehindIsCutOff(t *testing.T) {
	s := newStage(t)
	h := s.hub(5)
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	slow, fast := s.watch(h, "d1", 0), s.watch(h, "d1", 0)
	s.see(slow, 1)
	seqs := s.progress("d1", 50)
	s.see(fast, 1)
	s.seeAll(h, "d1", 51) // it shows that the topic has come that far
	_, err := slow.Next(t.Context())
	require.ErrorIs(t, err, live.ErrSlow)
	require.Equal(t, seqs, s.see(s.watch(h, "d1", 1), 50), "and may come back")
}

// Each event comes to all who take it before the next one is stored: nothing waits for the others.
func TestWhoeverTakesNothingDelaysNobody(t *testing.T) {
	const takers, idlers, events = 500, 50, 60
	s := newStage(t)
	h := s.hub(10)
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	idle := make([]*live.Watch, idlers)
	for n := range idle {
		idle[n] = s.watch(h, "d1", 0)
		s.see(idle[n], 1)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var taking sync.WaitGroup
	defer taking.Wait()
	defer cancel()
	took := make(chan uint64, takers)
	for range takers {
		w := s.watch(h, "d1", 1)
		taking.Go(func() {
			for {
				got, err := w.Next(ctx)
				if err != nil {
					return
				}
				for _, e := range got {
					select {
					case took <- e.Seq:
					case <-ctx.Done():
					}
				}
			}
		})
	}
	for range events {
		seq := s.progress("d1", 1)[0]
		for range takers {
			select {
			case got := <-took:
				require.Equal(t, seq, got)
			case <-time.After(patience):
				require.FailNow(t, "somebody is not shown an event")
			}
		}
	}
	for _, w := range idle {
		_, err := w.Next(t.Context())
		require.ErrorIs(t, err, live.ErrSlow)
	}
}

func TestATopicThatNobodyWatchesGoes(t *testing.T) {
	s := newStage(t)
	h := live.Open(t.Context(), s.bus, live.Settings{Watches: 1, Keep: 5, Linger: time.Millisecond, Idle: 100}, zerolog.Nop())
	defer h.Close()
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	w, err := h.Watch(t.Context(), "me", "d1", 0)
	require.NoError(t, err)
	s.see(w, 1)
	_, err = h.Watch(t.Context(), "me", "d2", 0)
	require.ErrorIs(t, err, live.ErrFull)
	require.Equal(t, 1, s.readers())
	w.Close()
	require.Eventually(t, func() bool { return s.readers() == 0 }, patience, 10*time.Millisecond)
	s.see(s.watch(h, "d1", 0), 1)
}

func TestOnlySoManyTopicsAreKeptThatNobodyWatches(t *testing.T) {
	s := newStage(t)
	h := live.Open(t.Context(), s.bus, live.Settings{Watches: 100, Keep: 5, Linger: time.Hour, Idle: 2}, zerolog.Nop())
	defer h.Close()
	watched := s.watch(h, "watched", 0)
	s.tell("watched", "", contract.AcceptedEvent{Kind: "deploy"})
	s.see(watched, 1)
	for n := range 10 {
		deployment := fmt.Sprint("d", n)
		s.tell(deployment, "", contract.AcceptedEvent{Kind: "deploy"})
		w, err := h.Watch(t.Context(), "me", deployment, 0)
		require.NoError(t, err)
		s.see(w, 1)
		w.Close()
	}
	require.Eventually(t, func() bool { return s.readers() == 3 }, patience, 10*time.Millisecond, "the one that is watched, and two")
	s.tell("watched", "", contract.WaveEvent{})
	s.see(watched, 1)
	require.Equal(t, 3, s.readers(), "the newest are kept")
	s.see(s.watch(h, "d0", 0), 1)
}

func TestNobodyTakesAllThereIsToWatch(t *testing.T) {
	s := newStage(t)
	h := live.Open(t.Context(), s.bus, live.Settings{Watches: 10, Caller: 2, Keep: 5, Linger: time.Minute, Idle: 100}, zerolog.Nop())
	defer h.Close()
	s.watch(h, "d1", 0)
	s.watch(h, "d2", 0)
	_, err := h.Watch(t.Context(), "me", "d1", 0)
	require.ErrorIs(t, err, live.ErrCallerFull)
	for range 3 { // one after the other
		other, err := h.Watch(t.Context(), "another", "d1", 0)
		require.NoError(t, err)
		other.Close()
	}
	require.Equal(t, 2, h.Watches())
}

// readers returns how many consumers EV has.
func (s *stage) readers() int {
	s.Helper()
	info, err := s.bus.Events().Info(s.Context())
	require.NoError(s, err)
	return info.State.Consumers
}

func TestAWatchEndsWithItsHub(t *testing.T) {
	s := newStage(t)
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	h := s.hub(5)
	w := s.watch(h, "d1", 0)
	s.see(w, 1)
	h.Close()
	_, err := w.Next(t.Context())
	require.ErrorIs(t, err, live.ErrClosed)
	_, err = h.Watch(t.Context(), "me", "d1", 0)
	require.ErrorIs(t, err, live.ErrClosed)
}

func TestTheBrokerMayGoAndComeBack(t *testing.T) {
	s := newStage(t)
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	h := s.hub(5)
	w := s.watch(h, "d1", 0)
	s.see(w, 1)
	s.broker.Restart()
	require.Equal(t, s.progress("d1", 3), s.see(w, 3))
}

// A disk that was put back to an earlier day has fewer events than were shown.
func TestABrokerThatComesBackWithLessEndsAWatch(t *testing.T) {
	dir := t.TempDir()
	broker := bustest.Start(t, bustest.StoreIn(filepath.Join(dir, "now")))
	s := &stage{T: t, broker: broker, bus: broker.OpenBus(t), last: map[string]uint64{}}
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	broker.Stop()
	require.NoError(t, os.CopyFS(filepath.Join(dir, "earlier"), os.DirFS(filepath.Join(dir, "now"))))
	broker.Restart()
	h := s.hub(5)
	w := s.watch(h, "d1", 0)
	s.progress("d1", 3)
	s.see(w, 4)
	broker.Stop()
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "now")))
	require.NoError(t, os.Rename(filepath.Join(dir, "earlier"), filepath.Join(dir, "now")))
	broker.Restart()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := w.Next(ctx)
	require.ErrorIs(t, err, live.ErrAhead)
	require.Equal(t, []uint64{1}, s.see(s.watch(h, "d1", 0), 1), "whoever begins anew is shown what there is")
}

func TestAWatchOfAllGoesOnAfterADeploymentHasEnded(t *testing.T) {
	s := newStage(t)
	h := s.hub(100)
	begun := s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	s.watch(h, live.All, 0)
	require.Eventually(t, func() bool { return s.readers() == 1 }, patience, 10*time.Millisecond)
	w := s.watch(h, live.All, begun) // reads nothing by itself
	end := s.tell("d1", "", contract.ConcludedEvent{State: "succeeded"})
	require.Equal(t, []uint64{end}, s.see(w, 1))
	next := s.tell("d2", "", contract.AcceptedEvent{Kind: "deploy"})
	require.Equal(t, []uint64{next}, s.see(w, 1))
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	s := newStage(t)
	h := s.hub(5)
	s.tell("d1", "", contract.AcceptedEvent{Kind: "deploy"})
	s.progress("d1", 3)
	_, err := h.Watch(t.Context(), "me", "d1", 5)
	require.ErrorIs(t, err, live.ErrAhead)
	require.NoError(t, s.bus.Events().Purge(t.Context(), jetstream.WithPurgeSequence(4)))
	_, err = h.Watch(t.Context(), "me", live.All, 1)
	require.ErrorIs(t, err, live.ErrGone)
	require.Equal(t, []uint64{4}, s.see(s.watch(h, live.All, 3), 1), "nothing is missing after the third")
}
