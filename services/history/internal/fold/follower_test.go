package fold_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

const (
	deadline = time.Minute
	often    = 5 * time.Millisecond
)

// world is a broker, a store, and what was published.
type world struct {
	t      *testing.T
	broker *bustest.Server
	nc     *nats.Conn
	cfg    bus.Config
	store  *foldtest.Memory
	last   uint64

	replacing sync.Mutex // held while followers must not make EV anew
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, broker: bustest.Start(t), store: foldtest.NewMemory()}
	w.nc = w.broker.Connect(t)
	config.Defaults(&w.cfg)
	return w
}

func (w *world) open(ctx context.Context) (*bus.Bus, error) {
	return bus.Open(ctx, w.nc, w.cfg, zerolog.Nop())
}

// publish stores the messages in EV.
func (w *world) publish(messages []foldtest.Message) {
	w.t.Helper()
	b, err := w.open(w.t.Context())
	require.NoError(w.t, err)
	for _, m := range messages {
		w.last, err = b.Publish(w.t.Context(), m.Subject, m.ID, m.Data)
		require.NoError(w.t, err)
	}
}

// follow runs a follower until the test ends or stop is called.
func (w *world) follow() (at *fold.Position, stop func()) { return w.followAs(true) }

// followAs runs a follower that is alone, or one of several.
func (w *world) followAs(alone bool) (at *fold.Position, stop func()) {
	at = fold.NewPosition()
	nc := w.broker.Connect(w.t)
	open := func(ctx context.Context) (*bus.Bus, error) {
		w.replacing.Lock()
		defer w.replacing.Unlock()
		return bus.Open(ctx, nc, w.cfg, zerolog.Nop())
	}
	f := fold.NewFollower(open, w.store, at, alone, zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.InfoLevel))
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var err error
	running.Go(func() { err = f.Run(ctx, func() {}) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		require.NoError(w.t, err)
	})
	w.t.Cleanup(stop)
	return at, stop
}

func (w *world) await(at *fold.Position, seq uint64) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), deadline)
	defer cancel()
	require.NoError(w.t, at.Wait(ctx, seq), "it stands at %d", at.Seq())
}

// requireReplayed says that the store holds what a replay of all of EV into an
// empty one gives.
func (w *world) requireReplayed() {
	w.t.Helper()
	have := w.store
	w.store = foldtest.NewMemory()
	defer func() { w.store = have }()
	at, stop := w.follow()
	w.await(at, w.last)
	stop()
	require.NotEmpty(w.t, w.store.Documents().Headers)
	require.Equal(w.t, w.store.Documents(), have.Documents())
}

func TestAFollowerGoesOnWhereTheOneBeforeEnded(t *testing.T) {
	w := newWorld(t)
	messages := foldtest.Stream(seeded(1), 3, 30)
	half := len(messages) / 2
	w.publish(messages[:half])
	at, stop := w.follow()
	w.await(at, w.last)
	stop()
	checkpoint, err := w.store.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Equal(t, w.last, checkpoint.Seq)

	w.publish(messages[half:])
	at, _ = w.follow()
	w.await(at, w.last)
	w.requireReplayed()
}

func TestEventsWaitForAStoreThatIsAway(t *testing.T) {
	w := newWorld(t)
	messages := foldtest.Stream(seeded(2), 3, 30)
	half := len(messages) / 2
	w.publish(messages[:half])
	at, _ := w.follow()
	w.await(at, w.last)

	asked := make(chan struct{}, 1)
	w.store.Fail(func(string) error {
		select {
		case asked <- struct{}{}:
		default:
		}
		return errAway
	})
	w.publish(messages[half:])
	for range 5 {
		<-asked
	}
	require.Less(t, at.Seq(), w.last)
	w.store.Fail(func(string) error { return nil })
	w.await(at, w.last)
	w.requireReplayed()
}

func TestABrokerThatWasAwayIsReadOn(t *testing.T) {
	w := newWorld(t)
	messages := foldtest.Stream(seeded(4), 4, 30)
	at, _ := w.follow()
	for some := range slices.Chunk(messages, 1+len(messages)/4) {
		w.publish(some)
		w.broker.Stop()
		require.Eventually(t, func() bool { return !w.nc.IsConnected() }, deadline, often)
		w.broker.Restart()
	}
	w.await(at, w.last)
	w.requireReplayed()
}

func TestDocumentsThatAreDeletedAreMadeAgain(t *testing.T) {
	w := newWorld(t)
	messages := foldtest.Stream(seeded(5), 4, 30)
	half := len(messages) / 2
	w.publish(messages[:half])
	at, _ := w.follow()
	w.await(at, w.last)
	require.Eventually(t, func() bool { // so that it is known to have been there
		c, err := w.store.Checkpoint(t.Context())
		return err == nil && c.Seq == w.last
	}, deadline, often)

	t.Run("while nothing happens", func(t *testing.T) {
		before := w.store.Documents()
		w.store.Empty()
		require.Eventually(t, func() bool { return len(w.store.Documents().Headers) == len(before.Headers) }, deadline, often)
		w.await(at, w.last)
		require.Equal(t, before, w.store.Documents())
	})
	t.Run("while events come", func(t *testing.T) {
		w.store.Empty()
		w.publish(messages[half:])
		w.await(at, w.last)
		require.Eventually(t, func() bool { // it may notice only now
			c, err := w.store.Checkpoint(t.Context())
			return err == nil && c.Seq == w.last
		}, deadline, often)
		w.requireReplayed()
	})
}

func TestReplicasSideBySideMakeTheSameDocuments(t *testing.T) {
	w := newWorld(t)
	var all []*fold.Position
	for range 3 {
		at, _ := w.followAs(false)
		all = append(all, at)
	}
	w.publish(foldtest.Stream(seeded(6), 6, 20))
	for _, at := range all {
		w.await(at, w.last)
	}
	w.requireReplayed()
}

func TestAnEventStreamThatIsAnotherOneIsReadFromItsBeginning(t *testing.T) {
	for name, keepsID := range map[string]bool{"the broker lost its data": false, "the broker lost the last events": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.publish(foldtest.Stream(seeded(8), 2, 10))
			at, _ := w.follow()
			w.await(at, w.last)
			old, oldLast := w.store.Documents(), w.last

			w.replaceEvents(keepsID)
			others := foldtest.Stream(seeded(9), 1, 3)
			for i := range others {
				others[i] = renamed(t, others[i], "other")
			}
			w.publish(others)
			require.Less(t, w.last, oldLast, "it counts from one again")
			require.Eventually(t, func() bool {
				h, ok := w.store.Documents().Headers["other"]
				return ok && h.Seq == w.last
			}, deadline, often)
			for id, h := range old.Headers {
				require.Equal(t, h, w.store.Documents().Headers[id], "what was there stays")
			}
		})
	}
}

// replaceEvents puts an empty stream in the place of EV, of the same
// installation or of another one, and breaks all connections.
func (w *world) replaceEvents(sameInstallation bool) {
	w.t.Helper()
	b, err := w.open(w.t.Context())
	require.NoError(w.t, err)
	like := b.Events().CachedInfo().Config
	js := b.JetStream()
	w.replacing.Lock()
	defer w.replacing.Unlock()
	require.NoError(w.t, js.DeleteStream(w.t.Context(), contract.StreamEvents))
	if sameInstallation {
		_, err = js.CreateStream(w.t.Context(), like)
		require.NoError(w.t, err)
	}
	w.broker.Restart()
	require.Eventually(w.t, w.nc.IsConnected, deadline, often)
}

// renamed returns the message as one about another deployment.
func renamed(t *testing.T, m foldtest.Message, deployment string) foldtest.Message {
	t.Helper()
	decoded, err := contract.Decode(m.Data)
	require.NoError(t, err)
	decoded.Deployment = deployment
	m.Subject = contract.SystemEventSubject(deployment)
	if decoded.Host != "" {
		m.Subject = contract.JobEventSubject(deployment, decoded.Host)
	}
	m.ID = deployment + m.ID
	m.Data, err = contract.Encode(decoded.Envelope, decoded.Body)
	require.NoError(t, err)
	return m
}

func TestEventsThatAreNotKeptAnyMoreAreNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.publish(foldtest.Stream(seeded(10), 1, 3))
	b, err := w.open(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.Events().Purge(t.Context()))
	at, _ := w.follow()
	w.await(at, w.last)
	require.Empty(t, w.store.Documents().Headers)
}
