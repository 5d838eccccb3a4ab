package history_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe/observetest"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

const (
	deadline = 2 * time.Minute
	often    = 10 * time.Millisecond
)

// world is a broker, a store, and an event stream.
type world struct {
	t      testing.TB
	broker *bustest.Server
	nc     *nats.Conn
	bus    *bus.Bus
	store  *storetest.Store
	docs   *mongo.Database // of the store
	ids    []string        // of the deployments
	last   uint64          // sequence of the last event

	logged chan string           // messages of history's log
	seen   *observetest.Operator // who looks at each history that is started; nil: nobody
}

// newWorld is for tests that any store will do for.
func newWorld(t testing.TB) *world { return newWorldWith(t, bustest.Start(t), storetest.Start(t)) }

// newMortalWorld is for tests that kill the store.
func newMortalWorld(t testing.TB) *world {
	return newWorldWith(t, bustest.Start(t), storetest.StartEmbedded(t))
}

func newWorldWith(t testing.TB, broker *bustest.Server, store *storetest.Store) *world {
	w := &world{t: t, broker: broker, store: store, logged: make(chan string, 10_000)}
	w.nc = w.broker.Connect(t)
	var err error
	w.bus, err = bus.Open(t.Context(), w.nc, w.config(w.store).NATS, zerolog.Nop())
	require.NoError(t, err)
	w.docs = connect(t, w.store)
	return w
}

func connect(t testing.TB, to *storetest.Store) *mongo.Database {
	client, err := mongo.Connect(options.Client().ApplyURI(to.URI))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(to.Database)
}

func (w *world) config(of *storetest.Store) history.Config {
	cfg := history.Config{Store: history.StoreConfig{URI: config.Secret(of.URI), Database: of.Database}}
	config.Defaults(&cfg)
	return cfg
}

// publish stores messages in EV, waiting out a broker that is away.
func (w *world) publish(messages []foldtest.Message) {
	for _, m := range messages {
		seq, err := w.bus.Publish(w.t.Context(), m.Subject, m.ID, m.Data)
		require.NoError(w.t, err)
		w.last = seq
	}
}

// stream returns an event stream of the test's own.
func (w *world) stream(deployments, targets int) []foldtest.Message {
	w.ids = nil
	for i := range deployments {
		w.ids = append(w.ids, fmt.Sprintf("d%019d", i))
	}
	return foldtest.Stream(rand.New(rand.NewPCG(1, uint64(targets))).IntN, deployments, targets)
}

// launch runs history until the test ends or stop is called.
func (w *world) launch(cfg history.Config) (s *history.Service, ready <-chan struct{}, stop func()) {
	w.t.Helper()
	log := zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.InfoLevel).
		Hook(zerolog.HookFunc(func(_ *zerolog.Event, _ zerolog.Level, message string) { w.logged <- message }))
	s, err := history.New(cfg, log, nats.InProcessServer(w.broker), nats.ReconnectWait(often))
	require.NoError(w.t, err)
	if w.seen != nil {
		s.Observe(w.seen.Process)
	}
	ctx, cancel := context.WithCancel(context.Background())
	began := make(chan struct{})
	var running sync.WaitGroup
	var ended error
	running.Go(func() { ended = s.Run(ctx, func() { close(began) }) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		require.NoError(w.t, ended)
	})
	w.t.Cleanup(stop)
	return s, began, stop
}

// start is launch that waits until the service is ready.
func (w *world) start(cfg history.Config) (s *history.Service, stop func()) {
	w.t.Helper()
	s, ready, stop := w.launch(cfg)
	w.awaitReady(ready)
	return s, stop
}

func (w *world) awaitReady(ready <-chan struct{}) {
	w.t.Helper()
	select {
	case <-ready:
	case <-time.After(deadline):
		require.FailNow(w.t, "history is not ready")
	}
}

// ask returns the answer to a question, and false where there is none now.
func (w *world) ask(subject, deployment string, question contract.Body) (contract.Body, bool) {
	data, err := contract.Encode(contract.Envelope{Deployment: deployment}, question)
	require.NoError(w.t, err)
	reply, err := w.nc.Request(subject, data, 10*time.Second)
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrDisconnected) {
		return nil, false
	}
	require.NoError(w.t, err)
	answer, err := contract.Decode(reply.Data)
	require.NoError(w.t, err)
	refused, ok := answer.Body.(contract.Refused)
	return answer.Body, !ok || refused.Code != contract.RefusedUnavailable
}

// answered asks until history has the time to answer.
func (w *world) answered(subject, deployment string, question contract.Body) (got contract.Body) {
	w.t.Helper()
	require.Eventually(w.t, func() (ok bool) {
		got, ok = w.ask(subject, deployment, question)
		return ok
	}, deadline, often)
	return got
}

// await waits until questions are answered with what this event changed.
func (w *world) await(seq uint64) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		_, ok := w.ask(contract.QueryDeployment, w.ids[0], contract.GetDeployment{MinSeq: seq})
		return ok
	}, deadline, often)
}

// dump returns all documents of users, as they are stored.
func (w *world) dump(of *mongo.Database) map[string][]bson.M {
	w.t.Helper()
	all := map[string][]bson.M{}
	for _, name := range []string{"deployments", "targets", "hosts", "statistics", "placements", "departures", "setaside"} {
		cursor, err := of.Collection(name).Find(w.t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
		require.NoError(w.t, err)
		docs := []bson.M{}
		require.NoError(w.t, cursor.All(w.t.Context(), &docs))
		all[name] = docs
	}
	return all
}

// awaitLog waits until history logs the message, after the last one awaited.
func (w *world) awaitLog(message string) {
	w.t.Helper()
	late := time.After(deadline)
	for {
		select {
		case have := <-w.logged:
			if have == message {
				return
			}
		case <-late:
			require.FailNow(w.t, "it was not logged", message)
		}
	}
}

// awaitReplicas waits until this is how the replicas of history say that they stand.
func (w *world) awaitReplicas(want ...contract.ReplicaState) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), deadline)
	defer cancel()
	stand := map[string]contract.ReplicaState{}
	err := w.bus.Follow(ctx, contract.StreamReplicas, []string{contract.ReplicasAll}, 0, func(s bus.Stored) error {
		m, err := contract.Decode(s.Data)
		if err != nil {
			return err
		}
		e := m.Body.(contract.ReplicaEvent)
		stand[e.Replica] = e.State
		if s.Behind == 0 && slices.Equal(slices.Collect(maps.Values(stand)), want) {
			return errStand
		}
		return nil
	})
	require.ErrorIs(w.t, err, errStand, "they stand so: %v", stand)
}

// errStand ends the wait for replicas.
var errStand = errors.New("they stand as they should")

// requireReplayed says that the store holds what a replay of EV into an empty one
// gives. No history may run.
func (w *world) requireReplayed() {
	w.t.Helper()
	empty := storetest.Start(w.t)
	cfg := w.config(empty)
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	w.await(w.last)
	stop()
	want := w.dump(connect(w.t, empty))
	require.Len(w.t, want["deployments"], len(w.ids))
	require.Equal(w.t, want, w.dump(w.docs))
}

// awaitCheckpoint waits until everything up to the last event is known to be
// stored.
func (w *world) awaitCheckpoint() {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		var at struct{ Seq uint64 }
		err := w.docs.Collection("checkpoints").FindOne(w.t.Context(), bson.D{{Key: "_id", Value: "ev"}}).Decode(&at)
		return err == nil && at.Seq == w.last
	}, deadline, often)
}
