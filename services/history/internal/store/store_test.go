package store_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
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
	require.Equal(t, bson.M{"_id": "12", "seq": int64(12), "subject": "slipway.v1.ev.a.sys", "reason": "unknown", "data": bson.Binary{Data: data}}, doc)
}

func TestZeroTimesAreLeftOut(t *testing.T) {
	server := storetest.Start(t)
	s := open(t, server, true)
	require.NoError(t, s.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: deploy.Header{ID: "a", Seq: 1}}}))
	var doc bson.M
	require.NoError(t, database(t, server).Collection("deployments").FindOne(t.Context(), bson.M{"_id": "a"}).Decode(&doc))
	require.Equal(t, bson.M{"_id": "a", "seq": int64(1), "targets": int32(0), "wave": int32(0), "waves": int32(0)}, doc)
}

func TestDocumentsAreReadByTheirIdsHoweverMany(t *testing.T) {
	server := storetest.Start(t)
	for _, s := range []*store.Store{open(t, server, true), open(t, server, false)} {
		drop(t, server)
		var changes []fold.Change[deploy.Header]
		var ids []string
		for i := range 100 {
			h := deploy.Header{ID: fmt.Sprint("d", i), Seq: uint64(i + 1)}
			if ids = append(ids, h.ID); i%3 > 0 {
				changes = append(changes, fold.Change[deploy.Header]{Doc: h})
			}
		}
		require.NoError(t, s.PutHeaders(t.Context(), changes))
		found, err := s.Headers(t.Context(), ids)
		require.NoError(t, err)
		require.Len(t, found, len(changes))
		for _, c := range changes {
			require.Equal(t, c.Doc.Seq, found[c.Doc.ID].Seq)
		}
	}
}

// TestALongListIsReadPageByPage reads from the embedded store what was written before
// this one was opened, which it then lists from memory.
func TestALongListIsReadPageByPage(t *testing.T) {
	server := storetest.StartEmbedded(t)
	s := open(t, server, true)
	const there, limit = 250, 101
	var changes []fold.Change[deploy.Header]
	var want []string // newest first
	for i := range there {
		h := foldtest.FullHeader(fmt.Sprintf("h%03d", i), uint64(i+1))
		h.AcceptedAt = h.AcceptedAt.Add(time.Duration(i/2) * time.Minute) // two at a time
		changes = append(changes, fold.Change[deploy.Header]{Doc: h})
		want = append([]string{h.ID}, want...)
	}
	require.NoError(t, s.PutHeaders(t.Context(), changes))
	s = open(t, server, true)

	var have []string
	page := query.Page{Limit: limit}
	for range (there + limit - 1) / limit {
		found, err := s.List(t.Context(), page)
		require.NoError(t, err)
		require.Len(t, found, min(limit, there-len(have)))
		for _, h := range found {
			have = append(have, h.ID)
		}
		last := found[len(found)-1]
		page.After = query.Place{AcceptedAt: last.AcceptedAt, ID: last.ID}
	}
	require.Equal(t, want, have)
}

// TestTheConformanceSuiteSetsEveryField keeps the round trip honest when the
// domain grows.
func TestTheConformanceSuiteSetsEveryField(t *testing.T) {
	bucket, output, page := foldtest.FullBucket("d", 1, 1), foldtest.FullOutput("d", 1, 1), foldtest.FullPage("d", 1, 1, 1)
	for _, full := range []any{
		foldtest.FullHeader("d", 1), foldtest.FullHeader("d", 1).Total(),
		foldtest.FullStatistics("a", "b", 1), foldtest.FullPlacement("h"), foldtest.FullHosts("d", 1, 1),
		bucket, bucket.Targets[0], bucket.Targets[0].Steps[0], bucket.Targets[0].Steps[1],
		output, output.Targets[0], output.Targets[0].Attempts[0], page, page.Lines[0], page.Lines[0].OutputLine,
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
