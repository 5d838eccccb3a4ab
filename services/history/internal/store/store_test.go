package store_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

func TestMongoDBIsAStore(t *testing.T) {
	server := storetest.Start(t)
	for name, singleWriter := range map[string]bool{"single writer": true, "conditional": false} {
		t.Run(name, func(t *testing.T) {
			foldtest.Conformance(t, !singleWriter, func(t *testing.T) foldtest.Store {
				drop(t, server)
				return open(t, server, singleWriter)
			})
		})
	}
}

func open(t *testing.T, server *storetest.Store, singleWriter bool) *store.Store {
	t.Helper()
	s, err := store.Open(store.Config{URI: server.URI, Database: server.Database, SingleWriter: singleWriter})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func database(t *testing.T, server *storetest.Store) *mongo.Database {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(server.URI))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	return client.Database(server.Database)
}

func drop(t *testing.T, server *storetest.Store) {
	t.Helper()
	require.NoError(t, database(t, server).Drop(t.Context()))
}

func TestWhatWasSetAsideCanBeRead(t *testing.T) {
	server := storetest.Start(t)
	s := open(t, server, true)
	data := []byte("{\x00\xff")
	require.NoError(t, s.SetAside(t.Context(), fold.Rejected{Seq: 12, Subject: "slipway.v1.ev.a.sys", Reason: "unknown", Data: data}))
	var doc bson.M
	require.NoError(t, database(t, server).Collection("setaside").FindOne(t.Context(), bson.M{"_id": "12"}).Decode(&doc))
	require.Equal(t, bson.M{"_id": "12", "subject": "slipway.v1.ev.a.sys", "reason": "unknown", "data": bson.Binary{Data: data}}, doc)
}

func TestZeroTimesAreLeftOut(t *testing.T) {
	server := storetest.Start(t)
	s := open(t, server, true)
	require.NoError(t, s.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: deploy.Header{ID: "a", Seq: 1}}}))
	var doc bson.M
	require.NoError(t, database(t, server).Collection("deployments").FindOne(t.Context(), bson.M{"_id": "a"}).Decode(&doc))
	require.Equal(t, bson.M{"_id": "a", "seq": int64(1), "targets": int32(0), "wave": int32(0), "waves": int32(0)}, doc)
}

// TestTheConformanceSuiteSetsEveryField keeps the round trip honest when the
// domain grows.
func TestTheConformanceSuiteSetsEveryField(t *testing.T) {
	bucket := foldtest.FullBucket("d", 1, 1)
	for _, full := range []any{
		foldtest.FullHeader("d", 1), foldtest.FullHeader("d", 1).Total(),
		bucket, bucket.Targets[0], bucket.Targets[0].Steps[0], bucket.Targets[0].Steps[1],
	} {
		v := reflect.ValueOf(full)
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Type() == reflect.TypeFor[deploy.StepRecord]() && (name == "Failure" || name == "EndedAt" || name == "Note") {
				continue // a step has ended or failed
			}
			require.False(t, v.Field(i).IsZero(), "%T.%s", full, name)
		}
	}
}

func TestAStoreThatIsAwayIsAnErrorAndNoConflict(t *testing.T) {
	server := storetest.StartEmbedded(t)
	s := open(t, server, true)
	require.NoError(t, s.Prepare(t.Context()))
	server.Kill()
	err := s.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: deploy.Header{ID: "a", Seq: 1}}})
	require.Error(t, err)
	require.NotErrorIs(t, err, fold.ErrConflict)
	server.Restart()
	require.NoError(t, s.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: deploy.Header{ID: "a", Seq: 1}}}))
}

func TestAURIIsCheckedWithoutANetworkAndWithoutShowingThePassword(t *testing.T) {
	for uri, want := range map[string]string{
		"mongodb://127.0.0.1:27017":                      "",
		"mongodb://ann:s%40cret@db1,db2/x?replicaSet=rs": "",
		"mongodb+srv://nowhere.invalid":                  "",
		"mongodb://%2Ftmp%2Fstore.sock/":                 "",
		"":                                               "must begin with mongodb://",
		"mongodb://ann:s3cret@db/?authMechanism=PLAIN":   "",
		"postgres://db":                                  "must begin with mongodb://",
		"mongodb://":                                     "not a URI of MongoDB",
		"mongodb://ann:s3cret@db:99999999":               "not a URI of MongoDB",
		"mongodb://ann:s3cret%zz@db":                     "percent-encoded",
		"mongodb://ann:s3cret@db/?retryWrites=s3cr":      "invalid value for \"retryWrites\"",
	} {
		err := store.CheckURI(uri)
		if want == "" {
			require.NoError(t, err, uri)
			continue
		}
		require.ErrorIs(t, err, store.ErrURI, uri)
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "s3cret")
	}
}
