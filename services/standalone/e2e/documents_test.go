package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// openStore connects to the documents of an installation.
func openStore(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client
}

// documents are all documents of a collection by their id, as text with the fields in order.
func documents(t testing.TB, db *mongo.Database, collection string) map[string]string {
	t.Helper()
	cursor, err := db.Collection(collection).Find(t.Context(), bson.D{})
	require.NoError(t, err)
	found := map[string]string{}
	for cursor.Next(t.Context()) {
		id, ok := cursor.Current.Lookup("_id").StringValueOK()
		require.True(t, ok, "the id of %s is no string", cursor.Current)
		found[id] = cursor.Current.String()
	}
	require.NoError(t, cursor.Err())
	return found
}

// awaitFolded waits until the documents have seen the event.
func awaitFolded(t testing.TB, db *mongo.Database, seq uint64) {
	t.Helper()
	eventually(t, func() bool {
		var checkpoint struct {
			Seq int64 `bson:"seq"`
		}
		err := db.Collection("checkpoints").FindOne(t.Context(), bson.D{}).Decode(&checkpoint)
		return err == nil && checkpoint.Seq >= int64(seq)
	}, "history never folds event %d into database %s", seq, db.Name())
}

// checkReplay fails the test unless folding all events again gives the very same documents.
func checkReplay(t testing.TB, f *fleet) {
	t.Helper()
	require.Empty(t, replayDiffers(t, f))
}

// replayDiffers has another history fold all events again, into an empty database, and returns what is not the same as in
// the documents that have grown, each with both.
func replayDiffers(t testing.TB, f *fleet) (differences []string) {
	t.Helper()
	last := lastSeq(t, openStreams(t, f.natsURL))
	grownIn, replayedIn := openStore(t, f.storeAt).Database(f.database), openStore(t, f.storeAt).Database(f.database+"_replay")
	awaitFolded(t, grownIn, last)

	again := f.process("history-replay", "history", f.storeFlags(replayedIn.Name(), f.store != nil))
	again.start()
	awaitFolded(t, replayedIn, last)
	for _, collection := range []string{"deployments", "targets", "hosts", "outputs", "logs", "setaside"} {
		grown, replayed := documents(t, grownIn, collection), documents(t, replayedIn, collection)
		both := map[string]bool{}
		for id := range grown {
			both[id] = true
		}
		for id := range replayed {
			both[id] = true
		}
		for _, id := range sortedKeys(both) {
			if collection == "setaside" || grown[id] != replayed[id] {
				differences = append(differences, fmt.Sprintf("%s %s\n  grown:    %s\n  replayed: %s", collection, id, grown[id], replayed[id]))
			}
		}
	}
	require.NotEmpty(t, documents(t, grownIn, "deployments"))
	again.kill()
	require.NoError(t, replayedIn.Drop(t.Context()))
	return differences
}
