package retention

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// TestAListByServerIsRightWhateverGoesComesBackAndStartsAgain compares each list, page by
// page, with what the documents of the targets say.
func TestAListByServerIsRightWhateverGoesComesBackAndStartsAgain(t *testing.T) {
	for name, singleWriter := range map[string]bool{"single writer": true, "conditional": false} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t, singleWriter, 16, 12)
			everyHost := k.requireListsByServer(k.docs)
			_, err := k.sweep(k.sweeper("remove the others"), later)
			require.ErrorIs(t, err, errDied)
			k.requireListsByServer(k.docs)
			gone, err := k.sweep(k.sweeper(""), later)
			require.NoError(t, err)
			require.Greater(t, len(gone), 1)
			require.Less(t, k.requireListsByServer(k.docs), everyHost)
			k.requireListsByServer(k.again(singleWriter))

			k.restoreAll(NewRestorer(k.docs, gone[0], later))
			k.requireListsByServer(k.docs)
			k.restoreAll(NewRestorer(k.docs, "", later))
			require.Equal(t, everyHost, k.requireListsByServer(k.docs))
			require.Equal(t, everyHost, k.requireListsByServer(k.again(singleWriter)))
		})
	}
}

// TestWhatAnEarlierVersionDidNotNoteIsFoundByServer takes the documents of hosts away, from the
// store and from what comes out of the archive.
func TestWhatAnEarlierVersionDidNotNoteIsFoundByServer(t *testing.T) {
	for name, singleWriter := range map[string]bool{"single writer": true, "conditional": false} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t, singleWriter, 16, 12)
			everyHost := k.requireListsByServer(k.docs)
			client, err := mongo.Connect(options.Client().ApplyURI(k.server.URI))
			require.NoError(t, err)
			defer func() { _ = client.Disconnect(context.Background()) }()
			require.NoError(t, client.Database(k.server.Database).Collection("hosts").Drop(t.Context()))
			k.docs = k.again(singleWriter)
			require.Equal(t, everyHost, k.requireListsByServer(k.docs))
			was := k.dump()
			require.Len(t, was["hosts"], len(was["targets"]), "it is done once")

			gone, err := k.sweep(k.sweeper(""), later)
			require.NoError(t, err)
			require.NotEmpty(t, gone)
			require.NoError(t, k.place().Each(t.Context(), "", func(name string) error {
				f, err := k.place().Open(t.Context(), name)
				require.NoError(t, err)
				defer f.Close()
				return archive.Read(f, earlier{restoring{NewRestorer(k.docs, "", later), t.Context()}})
			}))
			require.Equal(t, was, k.dump())
			require.Equal(t, everyHost, k.requireListsByServer(k.docs))

			k.fold(k.entries)
			plans := 0
			for _, d := range k.dump()["hosts"] {
				plans += int(min(d.Seq-1, 1))
			}
			require.Len(t, was["hosts"], plans, "a plan that is folded takes the place")
		})
	}
}

// earlier is an archive.Reader of a file that knows nothing of hosts.
type earlier struct{ restoring }

func (e earlier) Document(of archive.Deployment, d archive.Document) error {
	if d.Collection == "hosts" {
		return nil
	}
	return e.restoring.Document(of, d)
}

// again is the same store, opened anew.
func (k *kept) again(singleWriter bool) *store.Store {
	k.t.Helper()
	docs, err := store.Open(store.Config{URI: k.server.URI, Database: k.server.Database, SingleWriter: singleWriter})
	require.NoError(k.t, err)
	k.t.Cleanup(func() { _ = docs.Close(context.Background()) })
	require.NoError(k.t, docs.Prepare(k.t.Context()))
	return docs
}

// requireListsByServer looks at several servers, each way round and with other filters. It
// returns how many deployments were on them.
func (k *kept) requireListsByServer(docs *store.Store) int {
	k.t.Helper()
	var all []deploy.Header
	require.NoError(k.t, docs.EachHeader(k.t.Context(), func(h deploy.Header) error { all = append(all, h); return nil }))
	slices.SortFunc(all, func(a, b deploy.Header) int { return query.PlaceOf(a).Compare(query.PlaceOf(b)) })
	middle := all[len(all)/2].AcceptedAt
	total := 0
	for _, server := range []string{"h0003", "h0010", "nowhere"} {
		for _, oldest := range []bool{false, true} {
			for what, page := range map[string]query.Page{
				"all": {}, "of an application": {Application: "web"}, "failed": {State: deploy.Failed}, "since": {From: middle}, "until": {To: middle},
				"noted": {Metadata: []deploy.Note{{Name: "ticket", Value: "SHOP-42"}}, Words: []string{"api"}},
			} {
				page.Server, page.OldestFirst, page.Limit = server, oldest, 3
				want := k.listedOn(all, page)
				require.Equal(k.t, want, k.pages(docs, page), "%s, %s, oldest first: %v", server, what, oldest)
				total += len(want)
			}
		}
	}
	return total
}

// listedOn is what a list without pages shows, as headers and buckets say.
func (k *kept) listedOn(all []deploy.Header, page query.Page) []string {
	k.t.Helper()
	ids := []string{}
	for _, h := range all {
		key := fold.BucketKey{Deployment: h.ID}
		found, err := k.docs.Buckets(k.t.Context(), []fold.BucketKey{key})
		require.NoError(k.t, err)
		if page.Shows(h) && slices.ContainsFunc(found[key].Targets, func(t deploy.Target) bool { return t.Host == page.Server }) {
			ids = append(ids, h.ID)
		}
	}
	if !page.OldestFirst {
		slices.Reverse(ids)
	}
	return ids
}

// pages reads a list to its end.
func (k *kept) pages(docs *store.Store, page query.Page) []string {
	k.t.Helper()
	ids := []string{}
	for {
		found, err := docs.List(k.t.Context(), page)
		require.NoError(k.t, err)
		for _, h := range found {
			ids = append(ids, h.ID)
		}
		if len(found) < page.Limit {
			return ids
		}
		page.After = query.PlaceOf(found[len(found)-1])
	}
}

// TestAListByServerReadsOnUntilItsPageIsFull has what it shows far behind what it does not.
func TestAListByServerReadsOnUntilItsPageIsFull(t *testing.T) {
	k := newKept(t, false, 1, 1)
	const there = 1200
	at := later.Add(time.Hour)
	var headers []fold.Change[deploy.Header]
	var hosts []fold.Change[deploy.Hosts]
	for i := range there {
		h := deploy.Header{ID: fmt.Sprintf("x%04d", i), Seq: 1, Application: "api", AcceptedAt: at.Add(time.Duration(i) * time.Second)}
		if i < 2 {
			h.Application = "web"
		}
		headers = append(headers, fold.Change[deploy.Header]{Doc: h})
		hosts = append(hosts, fold.Change[deploy.Hosts]{Doc: deploy.Hosts{Deployment: h.ID, Seq: 1, AcceptedAt: h.AcceptedAt, IDs: []string{"far"}}})
	}
	require.NoError(t, k.docs.PutHeaders(t.Context(), headers))
	require.NoError(t, k.docs.PutHosts(t.Context(), hosts))
	require.Equal(t, []string{"x0001", "x0000"}, k.pages(k.docs, query.Page{Server: "far", Application: "web", Limit: 1}))
}
