package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// patience bounds every wait for something that is certain to come.
const patience = time.Minute

// start runs a store until the test ends or stop is called.
func start(t *testing.T, cfg store.Config) (s *store.Store, stop func()) {
	t.Helper()
	s, err := store.New(cfg)
	require.NoError(t, err)
	return s, lifecycletest.Start(t, s.Run)
}

// connect gives a client and leaves before the store stops.
func connect(t *testing.T, uri string) (client *mongo.Client, leave func()) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	leave = func() { _ = client.Disconnect(context.Background()) }
	t.Cleanup(leave)
	return client, leave
}

func TestDocumentsAreInsertedReplacedAndFoundByID(t *testing.T) {
	s, _ := start(t, store.Config{Dir: t.TempDir()})
	client, _ := connect(t, s.URI())
	c := client.Database("slipway").Collection("deployments")
	ctx := t.Context()

	_, err := c.InsertOne(ctx, bson.M{"_id": "d1", "state": "accepted"})
	require.NoError(t, err)
	_, err = c.InsertOne(ctx, bson.M{"_id": "d1"})
	require.True(t, mongo.IsDuplicateKeyError(err), "got %v", err)

	res, err := c.ReplaceOne(ctx, bson.M{"_id": "d1"}, bson.M{"_id": "d1", "state": "running"})
	require.NoError(t, err)
	require.EqualValues(t, 1, res.ModifiedCount)
	_, err = c.ReplaceOne(ctx, bson.M{"_id": "d2"}, bson.M{"state": "accepted"}, options.Replace().SetUpsert(true))
	require.NoError(t, err)
	_, err = c.UpdateOne(ctx, bson.M{"_id": "d2"}, bson.M{"$set": bson.M{"state": "failed"}})
	require.NoError(t, err)

	var doc bson.M
	require.NoError(t, c.FindOne(ctx, bson.M{"_id": "d1"}).Decode(&doc))
	require.Equal(t, "running", doc["state"])
	require.NoError(t, c.FindOne(ctx, bson.M{"_id": "d2"}).Decode(&doc))
	require.Equal(t, "failed", doc["state"])
	require.ErrorIs(t, c.FindOne(ctx, bson.M{"_id": "d3"}).Err(), mongo.ErrNoDocuments)
}

func TestIDsOfAnySpellingKeepTheirDocuments(t *testing.T) {
	s, _ := start(t, store.Config{Dir: t.TempDir(), Database: "slipway", Collections: []string{"targets"}})
	client, _ := connect(t, s.URI())
	c := client.Database("slipway").Collection("targets")
	for i, id := range []string{`a"b`, `a'b`, "a/0", "<&>", "ü\u2028é", "line\nfeed", `back\slash`, "$x"} {
		_, err := c.ReplaceOne(t.Context(), bson.M{"_id": id}, bson.M{"n": i}, options.Replace().SetUpsert(true))
		require.NoError(t, err, "%q", id)
		res, err := c.UpdateOne(t.Context(), bson.M{"_id": id}, bson.M{"$set": bson.M{"m": i}})
		require.NoError(t, err, "%q", id)
		require.EqualValues(t, 1, res.ModifiedCount, "%q", id)
	}
}

func TestBulkWriteOfFiftyWorksBesideManyUpdates(t *testing.T) {
	s, _ := start(t, store.Config{Dir: t.TempDir(), Database: "slipway", Collections: []string{"targets"}})
	client, _ := connect(t, s.URI())
	c := client.Database("slipway").Collection("targets")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := bulkUpsert(ctx, c, 50, -1)
	require.NoError(t, err)

	var group errgroup.Group
	group.Go(func() error {
		for round := range 5 {
			if _, err := bulkUpsert(ctx, c, 50, round); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 300 {
		group.Go(func() error {
			_, err := c.UpdateOne(ctx, bson.M{"_id": fmt.Sprint(i % 50)}, bson.M{"$set": bson.M{"i": i}})
			return err
		})
	}
	require.NoError(t, group.Wait())
	res, err := bulkUpsert(ctx, c, 50, 5)
	require.NoError(t, err)
	require.EqualValues(t, 50, res.ModifiedCount)
}

func bulkUpsert(ctx context.Context, c *mongo.Collection, n, round int) (*mongo.BulkWriteResult, error) {
	var writes []mongo.WriteModel
	for i := range n {
		writes = append(writes, mongo.NewReplaceOneModel().SetFilter(bson.M{"_id": fmt.Sprint(i)}).
			SetReplacement(bson.M{"round": round}).SetUpsert(true))
	}
	return c.BulkWrite(ctx, writes)
}

// An updateMany reads to the end of its rows and so frees its connection. This is the way out for whoever must write more.
func TestBulkWriteOfUpdateManyMayBeLarge(t *testing.T) {
	s, _ := start(t, store.Config{Dir: t.TempDir(), Database: "slipway", Collections: []string{"targets"}})
	client, _ := connect(t, s.URI())
	c := client.Database("slipway").Collection("targets")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 2 {
		var writes []mongo.WriteModel
		for i := range 300 {
			writes = append(writes, mongo.NewUpdateManyModel().SetFilter(bson.M{"_id": fmt.Sprint(i)}).
				SetUpdate(bson.M{"$set": bson.M{"n": i}}).SetUpsert(true))
		}
		_, err := c.BulkWrite(ctx, writes)
		require.NoError(t, err)
	}
}

func TestRestartKeepsDocumentsAndAddress(t *testing.T) {
	cfg := store.Config{Dir: t.TempDir(), Database: "slipway", Collections: []string{"deployments"}}
	s, stop := start(t, cfg)
	client, leave := connect(t, s.URI())
	_, err := client.Database("slipway").Collection("deployments").InsertOne(t.Context(), bson.M{"_id": "d1"})
	require.NoError(t, err)
	leave()
	stop()

	again, _ := start(t, cfg)
	require.Equal(t, s.URI(), again.URI())
	client, _ = connect(t, again.URI())
	require.NoError(t, client.Database("slipway").Collection("deployments").FindOne(t.Context(), bson.M{"_id": "d1"}).Err())
}

func TestDroppedDatabaseCanBeMadeAgain(t *testing.T) {
	s, _ := start(t, store.Config{Dir: t.TempDir()})
	client, _ := connect(t, s.URI())
	for range 3 {
		require.NoError(t, s.EnsureIDIndex(t.Context(), "slipway", "a", "b"))
		_, err := client.Database("slipway").Collection("a").InsertOne(t.Context(), bson.M{"_id": "x"})
		require.NoError(t, err)
		require.NoError(t, client.Database("slipway").Drop(t.Context()))
	}
}

func TestLongDataDirectoryGetsAShortSocketThatIsRemovedAtStop(t *testing.T) {
	cfg := store.Config{Dir: filepath.Join(t.TempDir(), strings.Repeat("long", 30))}
	tmp, err := os.MkdirTemp("", "slipway-test-") //nolint:usetesting // t.TempDir is too long a name for a socket itself
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(tmp) })
	t.Setenv("TMPDIR", tmp)

	s, stop := start(t, cfg)
	client, leave := connect(t, s.URI())
	require.NoError(t, client.Ping(t.Context(), nil))
	leave()
	entries, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	info, err := entries[0].Info()
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|0o700, info.Mode())

	stop()
	entries, err = os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestDataDirectoryWithSpacesAndColonWorks(t *testing.T) {
	s, _ := start(t, store.Config{Dir: filepath.Join(t.TempDir(), "data of: müller, 1+1")})
	client, _ := connect(t, s.URI())
	_, err := client.Database("slipway").Collection("a").InsertOne(t.Context(), bson.M{"_id": "x"})
	require.NoError(t, err)
}

func TestFreeLoopbackPortIsInTheURI(t *testing.T) {
	s, err := store.New(store.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	require.Empty(t, s.URI(), "not known yet")

	s, _ = start(t, store.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.Regexp(t, `^mongodb://127\.0\.0\.1:[1-9]\d*/\?`, s.URI())
	client, _ := connect(t, s.URI())
	require.NoError(t, client.Ping(t.Context(), nil))
}
