package history_test

import (
	"context"
	"errors"
	"fmt"
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
	mongo  *mongo.Client
	ids    []string // of the deployments
	last   uint64   // sequence of the last event

	logged chan string // messages of history's log
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, broker: bustest.Start(t), store: storetest.StartEmbedded(t), logged: make(chan string, 10_000)}
	w.nc = w.broker.Connect(t)
	var err error
	w.bus, err = bus.Open(t.Context(), w.nc, w.config("").NATS, zerolog.Nop())
	require.NoError(t, err)
	w.mongo, err = mongo.Connect(options.Client().ApplyURI(w.store.URI))
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.mongo.Disconnect(context.Background()) })
	return w
}

func (w *world) config(database string) history.Config {
	cfg := history.Config{Store: history.StoreConfig{URI: config.Secret(w.store.URI), Database: database}}
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

// await waits until questions are answered with what this event changed.
func (w *world) await(seq uint64) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		_, ok := w.ask(contract.QueryDeployment, w.ids[0], contract.GetDeployment{MinSeq: seq})
		return ok
	}, deadline, often)
}

// dump returns all documents of users, as they are stored.
func (w *world) dump(database string) map[string][]bson.M {
	w.t.Helper()
	all := map[string][]bson.M{}
	for _, name := range []string{"deployments", "targets", "setaside"} {
		cursor, err := w.mongo.Database(database).Collection(name).Find(w.t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "_id", Value: 1}}))
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

// requireReplayed says that the database holds what a replay of EV into an empty
// one gives. No history may run.
func (w *world) requireReplayed(database string) {
	w.t.Helper()
	cfg := w.config("replayed")
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	w.await(w.last)
	stop()
	want := w.dump("replayed")
	require.Len(w.t, want["deployments"], len(w.ids))
	require.Equal(w.t, want, w.dump(database))
}

func TestAKilledStoreLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.publish(w.stream(30, 40))
	cfg := w.config("main")
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	for quarter := range uint64(3) {
		w.await(1 + quarter*w.last/4)
		w.store.Kill()
		w.awaitLog("the store is away, events wait")
		w.store.Restart()
		w.awaitLog("the store is back")
	}
	w.await(w.last)
	stop()
	w.requireReplayed("main")
}

func TestTwoHistoriesMakeTheSameDocuments(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(8, 20)
	first, stopFirst := w.start(w.config("main"))
	second, stopSecond := w.start(w.config("main"))
	w.publish(messages)
	// Both, before either stops: FerretDB checks the condition of a write and
	// writes in two steps. Between them one replica may put an older state in the
	// place of the other's, and only goes on to the newest one while it runs.
	require.Eventually(t, func() bool { return min(first.Folded(), second.Folded()) == w.last }, deadline, often)
	stopFirst()
	stopSecond()
	w.requireReplayed("main")
}

func TestADeletedDatabaseIsRebuilt(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(10, 30)
	cfg := w.config("main")
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	w.publish(messages[:len(messages)/2])
	w.await(w.last)
	w.awaitCheckpoint("main")
	require.NoError(t, w.mongo.Database("main").Drop(t.Context()))
	w.publish(messages[len(messages)/2:])
	w.awaitCheckpoint("main")
	stop()
	w.requireReplayed("main")

	require.NoError(t, w.mongo.Database("main").Drop(t.Context()))
	_, stop = w.start(cfg)
	w.await(w.last)
	stop()
	w.requireReplayed("main")
}

// awaitCheckpoint waits until everything up to the last event is known to be
// stored.
func (w *world) awaitCheckpoint(database string) {
	w.t.Helper()
	require.Eventually(w.t, func() bool {
		var at struct{ Seq uint64 }
		err := w.mongo.Database(database).Collection("checkpoints").FindOne(w.t.Context(), bson.D{{Key: "_id", Value: "ev"}}).Decode(&at)
		return err == nil && at.Seq == w.last
	}, deadline, often)
}

func TestABrokerThatRestartsIsReadOn(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(10, 30)
	cfg := w.config("main")
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	for some := range slices.Chunk(messages, 1+len(messages)/3) {
		w.publish(some)
		w.broker.Restart()
	}
	w.await(w.last)
	stop()
	w.requireReplayed("main")
}

func TestWhatWasPublishedIsReadAtOnce(t *testing.T) {
	w := newWorld(t)
	w.start(w.config("main"))
	for i := range 20 {
		id := fmt.Sprintf("fresh%d", i)
		data, err := contract.Encode(contract.Envelope{Deployment: id}, contract.AcceptedEvent{Kind: "deploy", Application: "web", Targets: 1})
		require.NoError(t, err)
		seq, err := w.bus.Publish(t.Context(), contract.SystemEventSubject(id), id, data)
		require.NoError(t, err)
		got, ok := w.ask(contract.QueryDeployment, id, contract.GetDeployment{MinSeq: seq})
		require.True(t, ok)
		require.Equal(t, seq, got.(contract.Deployment).Seq)
		require.Equal(t, "accepted", got.(contract.Deployment).State)
		got, ok = w.ask(contract.QueryTargets, id, contract.ListTargets{MinSeq: seq, Limit: 1})
		require.True(t, ok)
		require.Equal(t, contract.Targets{Targets: []contract.TargetStatus{}}, got)
	}
}

func TestAPoisonedEventIsKeptAsideAndHoldsUpNothing(t *testing.T) {
	w := newWorld(t)
	cfg := w.config("main")
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	messages := w.stream(3, 10)
	w.publish(messages[:20])
	unknown := []byte(`{"v":1,"id":"x","type":"slipway.v1.ev.job.sang","time":"2026-03-01T12:00:00Z","data":{}}`)
	w.publish([]foldtest.Message{
		{Subject: "slipway.v1.ev.x.job.h", ID: "p1", Data: unknown},
		{Subject: "slipway.v1.ev.x.sys", ID: "p2", Data: []byte("\x00not JSON")},
	})
	w.publish(messages[20:])
	w.await(w.last)
	stop()
	aside := w.dump("main")["setaside"]
	require.Len(t, aside, 2)
	require.Equal(t, "21", aside[0]["_id"])
	require.Equal(t, "slipway.v1.ev.x.job.h", aside[0]["subject"])
	require.Equal(t, bson.Binary{Data: unknown}, aside[0]["data"])
	require.Contains(t, aside[0]["reason"], "slipway.v1.ev.job.sang")
	require.Contains(t, aside[1]["reason"], "malformed")
	w.requireReplayed("main")
}

func TestItStartsBeforeItsStoreAndItsBroker(t *testing.T) {
	w := newWorld(t)
	w.publish(w.stream(1, 3))
	w.store.Kill()
	w.broker.Stop()
	_, ready, _ := w.launch(w.config("main"))
	w.broker.Restart()
	w.store.Restart()
	w.awaitReady(ready)
	w.await(w.last)
}

func TestItEndsWhileStoreAndBrokerAreAway(t *testing.T) {
	w := newWorld(t)
	_, stop := w.start(w.config("main"))
	w.publish(w.stream(1, 3))
	w.store.Kill()
	w.broker.Stop()
	stop()
}

func TestAConfigurationIsCheckedBeforeAnythingIsConnected(t *testing.T) {
	var cfg history.Config
	config.Defaults(&cfg)
	_, err := history.New(cfg, zerolog.Nop())
	require.NoError(t, err)
	cfg.Store = history.StoreConfig{URI: "http://ann:s3cret@db", Database: "a/b"}
	cfg.NATS.Replicas = 2
	_, err = history.New(cfg, zerolog.Nop())
	require.ErrorContains(t, err, "uri: ")
	require.ErrorContains(t, err, "database: ")
	require.ErrorContains(t, err, "replicas")
	require.NotContains(t, err.Error(), "s3cret")
}

// BenchmarkReplay makes all documents from an event stream, in a store with the
// indexes that standalone gives it.
func BenchmarkReplay(b *testing.B) {
	for _, targets := range []int{10, 100} {
		b.Run(fmt.Sprintf("%d targets", targets), func(b *testing.B) {
			w := newWorld(b)
			for _, name := range history.Collections() {
				require.NoError(b, w.mongo.Database("main").CreateCollection(b.Context(), name))
			}
			w.store.Restart() // it indexes the collections that it finds
			w.publish(w.stream(4000/targets, targets))
			cfg := w.config("main")
			cfg.Store.SingleWriter = true
			for b.Loop() {
				_, stop := w.start(cfg)
				w.await(w.last)
				b.StopTimer()
				stop()
				for _, name := range history.Collections() {
					_, err := w.mongo.Database("main").Collection(name).DeleteMany(b.Context(), bson.D{})
					require.NoError(b, err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(w.last)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
