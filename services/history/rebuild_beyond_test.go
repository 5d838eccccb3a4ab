package history_test

import (
	"maps"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// forged puts a document like another one into a collection.
func (w *world) forged(collection string, change bson.M) {
	w.t.Helper()
	doc := bson.M{}
	require.NoError(w.t, w.docs.Collection(collection).FindOne(w.t.Context(), bson.M{}).Decode(&doc), collection)
	maps.Copy(doc, change)
	_, err := w.docs.Collection(collection).InsertOne(w.t.Context(), doc)
	require.NoError(w.t, err)
}

// TestARebuildFindsWhatNoEventHasMade has somebody who writes to the store put lies beside what
// is true.
func TestARebuildFindsWhatNoEventHasMade(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(3, 5)
	w.publish(messages)
	_, stop := w.start(w.config(w.store))
	w.await(w.last)
	w.awaitCheckpoint()
	stop()
	was := w.dump(w.docs)

	recently := time.Now().Add(2 * time.Hour) // after EV began, whatever clocks say
	w.forged("deployments", bson.M{"_id": "ghost", "accepted_at": recently})
	w.forged("targets", bson.M{"_id": "ghost/0", "deployment": "ghost"})
	w.forged("targets", bson.M{"_id": w.ids[0] + "/7"})
	w.forged("statistics", bson.M{"_id": "2020-01-01/ghost", "application": "ghost"})
	w.forged("placements", bson.M{"_id": "0/ghost", "application": "ghost"})
	_, err := w.docs.Collection("setaside").InsertOne(t.Context(), bson.M{"_id": "3", "seq": int64(3), "at": recently})
	require.NoError(t, err)
	w.forged("deployments", bson.M{"_id": "high", "accepted_at": recently, "seq": int64(1) << 40})
	_, err = w.docs.Collection("statistics").UpdateOne(t.Context(), bson.M{"application": bson.M{"$ne": "ghost"}}, bson.M{"$set": bson.M{"seq": int64(1) << 40}})
	require.NoError(t, err)

	out, err := w.rebuilt(false)
	require.ErrorContains(t, err, "8 of them", out)
	for _, line := range []string{
		"deployments ghost: no event speaks of it\n", "targets ghost/0: no event", "targets " + w.ids[0] + "/7: no event",
		"statistics 2020-01-01/ghost: no event", "placements 0/ghost: no event", "setaside 3: no event", "deployments high: no event",
		"statistics .*: it stands at event 1099511627776, which there has not been\n",
	} {
		require.Regexp(t, line, out)
	}
	out, err = w.rebuilt(true)
	require.NoError(t, err, out)
	require.Contains(t, out, "8 differ, 8 replaced, 0 moving on, 0 older")
	require.Equal(t, was, w.dump(w.docs))

	// What nobody can be sure of stays.
	w.forged("deployments", bson.M{"_id": "old"})
	w.forged("deployments", bson.M{"_id": "back", "accepted_at": recently})
	_, err = w.docs.Collection("archived").InsertOne(t.Context(), bson.M{"_id": "back", "restored": recently, "unsettled": true})
	require.NoError(t, err)
	out, err = w.rebuilt(true)
	require.NoError(t, err, out)
	require.Regexp(t, ` 0 differ, .* 1 older than the events that are kept, 1 archived\ndeployments old: it is older than EV, or says so\n$`, out)
	require.Len(t, w.dump(w.docs)["deployments"], len(was["deployments"])+2)
}

func TestARebuildLeavesWhatItsEventsAreNotKeptOf(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(4, 5)
	w.publish(messages)
	_, stop := w.start(w.config(w.store))
	w.await(w.last)
	w.awaitCheckpoint()
	stop()
	was := w.dump(w.docs)
	leaves := func() string {
		t.Helper()
		out, err := w.rebuilt(true)
		require.NoError(t, err, out)
		for collection, docs := range was {
			require.Subset(t, w.dump(w.docs)[collection], docs, collection)
		}
		return out
	}

	require.NoError(t, w.bus.Events().Purge(t.Context(), jetstream.WithPurgeSequence(w.last/2)))
	require.NotContains(t, leaves(), "older than EV", "that is as it goes")
	require.NoError(t, w.bus.Events().Purge(t.Context()))
	leaves()

	w.replaceEvents(func(cfg *jetstream.StreamConfig) { cfg.Metadata[contract.MetadataInstallation] = "another" })
	require.Contains(t, leaves(), "deployments "+w.ids[0]+": it is older than EV, or says so\n")
}

// TestARebuildPutsRightWhatACutLeavesBehind is about an EV that has lost its last events and
// gives their sequences out again.
func TestARebuildPutsRightWhatACutLeavesBehind(t *testing.T) {
	w := newWorld(t)
	messages := w.stream(6, 5)
	w.publish(messages)
	_, stop := w.start(w.config(w.store))
	w.await(w.last)
	w.awaitCheckpoint()
	stop()

	w.replaceEvents(func(*jetstream.StreamConfig) {})
	third := len(messages) / 3
	w.publish(messages[:third])
	_, stop = w.start(w.config(w.store))
	w.await(w.last)
	out, err := w.rebuilt(false)
	require.Error(t, err, out)
	require.Regexp(t, `deployments .*: it stands at event \d+, which there has not been\n`, out)
	out, err = w.rebuilt(true)
	require.NoError(t, err, out)

	w.publish(messages[third : 2*third])
	w.await(w.last)
	w.awaitCheckpoint()
	stop()
	out, err = w.rebuilt(false)
	require.NoError(t, err, out)
	require.Contains(t, out, " 0 differ, 0 replaced, 0 moving on")
}

// replaceEvents puts an empty stream in the place of EV, like it but for this. No history may
// run.
func (w *world) replaceEvents(change func(*jetstream.StreamConfig)) {
	w.t.Helper()
	like := w.bus.Events().CachedInfo().Config
	change(&like)
	require.NoError(w.t, w.bus.JetStream().DeleteStream(w.t.Context(), contract.StreamEvents))
	_, err := w.bus.JetStream().CreateStream(w.t.Context(), like)
	require.NoError(w.t, err)
}
