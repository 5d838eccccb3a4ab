package foldtest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
)

// Store is all that history asks of a store.
type Store interface {
	fold.Store
	query.Documents
}

// Conformance runs the suite that every store passes. open returns an empty
// store. conditional says that the store notices another writer.
func Conformance(t *testing.T, conditional bool, open func(*testing.T) Store) {
	cases := map[string]func(*testing.T, Store){
		"an empty store holds nothing":                testEmpty,
		"documents come back as they were put":        testRoundTrip,
		"a document is replaced by its next state":    testReplace,
		"a new document conflicts with one there":     testNewConflict,
		"a document that is gone conflicts":           testGone,
		"many changes are written whatever conflicts": testMany,
		"the checkpoint moves from what was read":     testCheckpoint,
		"a message can be set aside twice":            testSetAside,
		"lists are pages, newest first":               testList,
		"an ended context is no conflict":             testContext,
	}
	if conditional {
		cases["a document that changed meanwhile conflicts"] = testChanged
		cases["a checkpoint that changed meanwhile conflicts"] = testCheckpointChanged
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			require.NoError(t, s.Prepare(t.Context()))
			require.NoError(t, s.Prepare(t.Context()), "it may be repeated")
			test(t, s)
		})
	}
}

func testEmpty(t *testing.T, s Store) {
	headers, err := s.Headers(t.Context(), []string{"a", "b"})
	require.NoError(t, err)
	require.Empty(t, headers)
	buckets, err := s.Buckets(t.Context(), []fold.BucketKey{{Deployment: "a"}})
	require.NoError(t, err)
	require.Empty(t, buckets)
	list, err := s.List(t.Context(), query.Page{Limit: 10})
	require.NoError(t, err)
	require.Empty(t, list)
	at, err := s.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Zero(t, at)
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, int(345*time.Millisecond), time.UTC)

// FullHeader returns a header with every field set.
func FullHeader(id string, seq uint64) deploy.Header {
	return deploy.Header{
		ID: id, Seq: seq, Kind: deploy.KindRollback, Project: "shop", Application: "web", Path: "/srv/wéb", Version: "v2",
		Package: "p", From: "v3", RollbackOf: "d0", Actor: "ann $()", RetryOf: "d-1", Strategy: deploy.Canary,
		State: deploy.Holding, Cause: deploy.CauseCanary, Reason: "late", By: "bob ü", Until: noon.Add(time.Hour),
		RolledBackBy: "d2", Targets: 103, Wave: 1, Waves: 3,
		AcceptedAt: noon, StartedAt: noon.Add(time.Second), EndedAt: noon.Add(time.Minute),
		Counts: []deploy.Counts{{Pending: 1, Running: 2, Succeeded: 3, Failed: 4, Skipped: 5, Cancelled: 6}, {Pending: 3}},
	}
}

// FullBucket returns a bucket with every field set, and a target with none.
func FullBucket(deployment string, index int, seq uint64) deploy.Bucket {
	failure := &deploy.Failure{Code: "disk_full", Reason: "no space\nleft"}
	return deploy.Bucket{Deployment: deployment, Index: index, Seq: seq, Targets: []deploy.Target{
		{
			Host: "h1", Name: "web 1", Wave: 2, State: deploy.Failed, Attempt: 3, Token: 1 << 60, Executor: "e", Step: deploy.StepStage,
			Done: 1 << 40, Bytes: 1 << 41, StartedAt: noon, EndedAt: noon.Add(time.Hour), Release: "v1", Previous: "v0", Changed: true,
			Note: "note", Failure: failure,
			Steps: []deploy.StepRecord{
				{Step: deploy.StepConnect, State: deploy.Succeeded, StartedAt: noon, EndedAt: noon.Add(time.Second), Note: "n"},
				{Step: deploy.StepStage, State: deploy.Failed, StartedAt: noon.Add(time.Second), Failure: failure},
			},
		},
		{State: deploy.Pending},
	}}
}

func testRoundTrip(t *testing.T, s Store) {
	headers := []deploy.Header{FullHeader("a", 7), {ID: "b", Seq: 1}}
	require.NoError(t, s.PutHeaders(t.Context(), created(headers...)))
	foundHeaders, err := s.Headers(t.Context(), []string{"a", "none", "b"})
	require.NoError(t, err)
	require.Equal(t, map[string]deploy.Header{"a": headers[0], "b": headers[1]}, foundHeaders)

	buckets := []deploy.Bucket{FullBucket("a", 0, 7), FullBucket("a", 12, 8), {Deployment: "b", Seq: 1}}
	require.NoError(t, s.PutBuckets(t.Context(), created(buckets...)))
	keys := []fold.BucketKey{{Deployment: "a"}, {Deployment: "a", Index: 1}, {Deployment: "a", Index: 12}, {Deployment: "b"}}
	foundBuckets, err := s.Buckets(t.Context(), keys)
	require.NoError(t, err)
	require.Equal(t, map[fold.BucketKey]deploy.Bucket{keys[0]: buckets[0], keys[2]: buckets[1], keys[3]: buckets[2]}, foundBuckets)
}

func testReplace(t *testing.T, s Store) {
	require.NoError(t, s.PutHeaders(t.Context(), created(FullHeader("a", 7))))
	require.NoError(t, s.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: deploy.Header{ID: "a", Seq: 9}, Read: 7}}))
	require.Equal(t, deploy.Header{ID: "a", Seq: 9}, header(t, s, "a"), "nothing of the old one stays")
}

func testNewConflict(t *testing.T, s Store) {
	require.NoError(t, s.PutHeaders(t.Context(), created(FullHeader("a", 7))))
	err := s.PutHeaders(t.Context(), created(FullHeader("a", 5), FullHeader("b", 5)))
	require.ErrorIs(t, err, fold.ErrConflict)
	require.EqualValues(t, 7, header(t, s, "a").Seq)
	require.EqualValues(t, 5, header(t, s, "b").Seq)
}

func testGone(t *testing.T, s Store) {
	err := s.PutBuckets(t.Context(), []fold.Change[deploy.Bucket]{{Doc: FullBucket("a", 0, 9), Read: 7}})
	require.ErrorIs(t, err, fold.ErrConflict)
	found, err := s.Buckets(t.Context(), []fold.BucketKey{{Deployment: "a"}})
	require.NoError(t, err)
	require.Empty(t, found)
	require.ErrorIs(t, s.PutCheckpoint(t.Context(), fold.Checkpoint{Seq: 2, Installation: "i"}, fold.Checkpoint{Seq: 1, Installation: "i"}),
		fold.ErrConflict)
}

func testChanged(t *testing.T, s Store) {
	require.NoError(t, s.PutHeaders(t.Context(), created(FullHeader("a", 7), FullHeader("b", 7))))
	err := s.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: FullHeader("a", 9), Read: 6}, {Doc: FullHeader("b", 9), Read: 7}})
	require.ErrorIs(t, err, fold.ErrConflict)
	require.EqualValues(t, 7, header(t, s, "a").Seq)
	require.EqualValues(t, 9, header(t, s, "b").Seq)
}

func testMany(t *testing.T, s Store) {
	const n = 130
	var first, next []fold.Change[deploy.Bucket]
	for i := range n {
		first = append(first, fold.Change[deploy.Bucket]{Doc: FullBucket("a", i, 1)})
		next = append(next, fold.Change[deploy.Bucket]{Doc: FullBucket("a", i, 2), Read: 1})
	}
	require.NoError(t, s.PutBuckets(t.Context(), first))
	gone := fold.Change[deploy.Bucket]{Doc: FullBucket("gone", 0, 2), Read: 1}
	require.ErrorIs(t, s.PutBuckets(t.Context(), slices.Insert(next, 3, gone)), fold.ErrConflict)
	for i := range n {
		key := fold.BucketKey{Deployment: "a", Index: i}
		found, err := s.Buckets(t.Context(), []fold.BucketKey{key})
		require.NoError(t, err)
		require.EqualValues(t, 2, found[key].Seq)
	}
}

func testCheckpoint(t *testing.T, s Store) {
	var at fold.Checkpoint
	for _, next := range []fold.Checkpoint{
		{Seq: 5, Installation: "i"}, {Seq: 9, Installation: "i"}, {Installation: "i"}, {Seq: 3, Installation: "another"},
	} {
		require.NoError(t, s.PutCheckpoint(t.Context(), next, at))
		have, err := s.Checkpoint(t.Context())
		require.NoError(t, err)
		require.Equal(t, next, have)
		at = next
	}
	require.ErrorIs(t, s.PutCheckpoint(t.Context(), at, fold.Checkpoint{}), fold.ErrConflict, "there is one already")
}

func testCheckpointChanged(t *testing.T, s Store) {
	at := fold.Checkpoint{Seq: 5, Installation: "i"}
	require.NoError(t, s.PutCheckpoint(t.Context(), at, fold.Checkpoint{}))
	for _, read := range []fold.Checkpoint{{Seq: 4, Installation: "i"}, {Seq: 5, Installation: "another"}} {
		require.ErrorIs(t, s.PutCheckpoint(t.Context(), fold.Checkpoint{Seq: 9, Installation: "i"}, read), fold.ErrConflict)
	}
	have, err := s.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Equal(t, at, have)
}

func testSetAside(t *testing.T, s Store) {
	r := fold.Rejected{Seq: 1 << 40, Subject: "slipway.v1.ev.a.sys", Reason: "unknown", Data: []byte("{\x00\xff")}
	require.NoError(t, s.SetAside(t.Context(), r))
	require.NoError(t, s.SetAside(t.Context(), r))
}

func testList(t *testing.T, s Store) {
	var all []deploy.Header
	for i := range 6 {
		h := FullHeader(fmt.Sprintf("d%d", i), uint64(i+1))
		h.Application = []string{"web", "api"}[i%2]
		h.State = []deploy.State{deploy.AwaitingApproval, deploy.Failed, deploy.AwaitingApproval}[i%3]
		all = append(all, h)
	}
	begunBefore := deploy.Header{ID: "d9", Seq: 9} // its first event is not kept any more
	require.NoError(t, s.PutHeaders(t.Context(), created(append(all, begunBefore)...)))
	for name, c := range map[string]struct {
		page query.Page
		want []int
	}{
		"all":         {query.Page{Limit: 10}, []int{5, 4, 3, 2, 1, 0}},
		"a page":      {query.Page{Limit: 2}, []int{5, 4}},
		"the next":    {query.Page{Limit: 2, Before: "d4"}, []int{3, 2}},
		"application": {query.Page{Limit: 10, Application: "api"}, []int{5, 3, 1}},
		"state":       {query.Page{Limit: 10, State: deploy.AwaitingApproval}, []int{5, 3, 2, 0}},
		"everything":  {query.Page{Limit: 1, Application: "api", State: deploy.AwaitingApproval, Before: "d5"}, []int{3}},
		"nothing":     {query.Page{Limit: 10, Application: "$ne"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := s.List(t.Context(), c.page)
			require.NoError(t, err)
			want := []deploy.Header{}
			for _, i := range c.want {
				want = append(want, all[i])
			}
			require.Equal(t, want, append([]deploy.Header{}, found...))
		})
	}
}

func testContext(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{
		s.PutHeaders(ctx, created(FullHeader("a", 1))),
		s.PutBuckets(ctx, created(FullBucket("a", 0, 1))),
		s.PutCheckpoint(ctx, fold.Checkpoint{Seq: 1}, fold.Checkpoint{}),
		s.SetAside(ctx, fold.Rejected{Seq: 1}),
	} {
		require.Error(t, err)
		require.NotErrorIs(t, err, fold.ErrConflict)
	}
}

func header(t *testing.T, s Store, id string) deploy.Header {
	t.Helper()
	found, err := s.Headers(t.Context(), []string{id})
	require.NoError(t, err)
	return found[id]
}

func created[T any](docs ...T) []fold.Change[T] {
	var changes []fold.Change[T]
	for _, doc := range docs {
		changes = append(changes, fold.Change[T]{Doc: doc})
	}
	return changes
}
