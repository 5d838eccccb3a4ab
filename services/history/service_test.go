package history_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

func TestAKilledStoreLosesNothing(t *testing.T) {
	w := newMortalWorld(t)
	w.publish(w.stream(30, 40))
	cfg := w.config(w.store)
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
	w.requireReplayed()
}

func TestAHistoryWhoseStoreIsAwayIsNotReadyUntilItIsBack(t *testing.T) {
	w := newMortalWorld(t)
	w.start(w.config(w.store)) // it folds
	w.start(w.config(w.store)) // it stands by
	w.awaitReplicas(contract.ReplicaReady, contract.ReplicaReady)
	w.store.Kill()
	w.awaitReplicas(contract.ReplicaStarted, contract.ReplicaStarted)
	w.store.Restart()
	w.awaitReplicas(contract.ReplicaReady, contract.ReplicaReady)
}

func TestTwoHistoriesMakeTheSameDocuments(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(8, 20)
	first, stopFirst := w.start(w.config(w.store))
	second, stopSecond := w.start(w.config(w.store))
	w.publish(messages)
	// Both, before either stops: FerretDB checks the condition of a write and
	// writes in two steps. Between them one replica may put an older state in the
	// place of the other's, and only goes on to the newest one while it runs.
	require.Eventually(t, func() bool { return min(first.Folded(), second.Folded()) == w.last }, deadline, often)
	stopFirst()
	stopSecond()
	w.requireReplayed()
}

func TestADeletedDatabaseIsRebuilt(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(10, 30)
	cfg := w.config(w.store)
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	w.publish(messages[:len(messages)/2])
	w.await(w.last)
	w.awaitCheckpoint()
	require.NoError(t, w.docs.Drop(t.Context()))
	w.publish(messages[len(messages)/2:])
	w.awaitCheckpoint()
	stop()
	w.requireReplayed()

	require.NoError(t, w.docs.Drop(t.Context()))
	_, stop = w.start(cfg)
	w.await(w.last)
	stop()
	w.requireReplayed()
}

func TestABrokerThatRestartsIsReadOn(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(10, 30)
	cfg := w.config(w.store)
	cfg.Store.SingleWriter = true
	_, stop := w.start(cfg)
	for some := range slices.Chunk(messages, 1+len(messages)/3) {
		w.publish(some)
		w.broker.Restart()
	}
	w.await(w.last)
	stop()
	w.requireReplayed()
}

func TestWhatWasPublishedIsReadAtOnce(t *testing.T) {
	w := newWorld(t)
	w.start(w.config(w.store))
	for i := range 20 {
		id := fmt.Sprintf("fresh%d", i)
		data, err := contract.Encode(contract.Envelope{Deployment: id}, contract.AcceptedEvent{Kind: "deploy", Application: "web", Targets: 1})
		require.NoError(t, err)
		seq, err := w.bus.Publish(t.Context(), contract.SystemEventSubject(id), id, data)
		require.NoError(t, err)
		got := w.answered(contract.QueryDeployment, id, contract.GetDeployment{MinSeq: seq})
		require.Equal(t, seq, got.(contract.Deployment).Seq)
		require.Equal(t, "accepted", got.(contract.Deployment).State)
		got = w.answered(contract.QueryTargets, id, contract.ListTargets{MinSeq: seq, Limit: 1})
		require.Equal(t, contract.Targets{Targets: []contract.TargetStatus{}}, got)
	}
}

func TestAPoisonedEventIsKeptAsideAndHoldsUpNothing(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(w.store)
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
	aside := w.dump(w.docs)["setaside"]
	require.Len(t, aside, 2)
	require.Equal(t, "21", aside[0]["_id"])
	require.Equal(t, "slipway.v1.ev.x.job.h", aside[0]["subject"])
	require.Equal(t, bson.Binary{Data: unknown}, aside[0]["data"])
	require.Contains(t, aside[0]["reason"], "slipway.v1.ev.job.sang")
	require.Contains(t, aside[1]["reason"], "malformed")
	w.requireReplayed()
}

func TestItStartsBeforeItsStoreAndItsBroker(t *testing.T) {
	w := newMortalWorld(t)
	w.publish(w.stream(1, 3))
	w.store.Kill()
	w.broker.Stop()
	_, ready, _ := w.launch(w.config(w.store))
	w.broker.Restart()
	w.store.Restart()
	w.awaitReady(ready)
	w.await(w.last)
}

func TestItEndsWhileStoreAndBrokerAreAway(t *testing.T) {
	w := newMortalWorld(t)
	_, stop := w.start(w.config(w.store))
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
			w.publish(w.stream(4000/targets, targets))
			cfg := w.config(w.store)
			cfg.Store.SingleWriter = true
			for b.Loop() {
				_, stop := w.start(cfg)
				w.await(w.last)
				b.StopTimer()
				stop()
				for _, name := range history.Collections() {
					_, err := w.docs.Collection(name).DeleteMany(b.Context(), bson.D{})
					require.NoError(b, err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(w.last)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
