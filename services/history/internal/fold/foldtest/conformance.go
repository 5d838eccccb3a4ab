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
		"output comes back as it was put":             testOutputRoundTrip,
		"shared documents come back as they were put": testShared,
		"a document is replaced by its next state":    testReplace,
		"a new document conflicts with one there":     testNewConflict,
		"a document that is gone conflicts":           testGone,
		"many changes are written whatever conflicts": testMany,
		"the checkpoint moves from what was read":     testCheckpoint,
		"a message can be set aside twice":            testSetAside,
		"lists are pages, newest first":               testList,
		"what runs where is found":                    testRunning,
		"statistics are found by day and application": testStatistics,
		"what was set aside is listed":                testAside,
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
		Package: "p", From: "v3", RollbackOf: "d0", Actor: "ann $()", RetryOf: "d-1", Batch: "b1", Origin: deploy.Origin{Stage: "production", Template: "nightly", Group: "web"}, Strategy: deploy.Canary,
		Metadata: []deploy.Note{{Name: "a.b$c", Value: "d ü"}, {Name: "batch"}},
		State:    deploy.Holding, Cause: deploy.CauseCanary, Reason: "late", By: "bob ü", Until: noon.Add(time.Hour),
		RolledBackBy: "d2", Targets: 103, Wave: 1, Waves: 3,
		AcceptedAt: noon, StartedAt: noon.Add(time.Second), EndedAt: noon.Add(time.Minute), EndedSeq: 6,
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
	hosts := []deploy.Hosts{FullHosts("a", 0, 7), FullHosts("a", 12, 8)}
	require.NoError(t, s.PutHosts(t.Context(), created(hosts...)))
	require.ErrorIs(t, s.PutHosts(t.Context(), created(hosts[0])), fold.ErrConflict)
	foundHosts, err := s.Hosts(t.Context(), keys)
	require.NoError(t, err)
	require.Equal(t, map[fold.BucketKey]deploy.Hosts{keys[0]: hosts[0], keys[2]: hosts[1]}, foundHosts)
	foundBuckets, err := s.Buckets(t.Context(), keys)
	require.NoError(t, err)
	require.Equal(t, map[fold.BucketKey]deploy.Bucket{keys[0]: buckets[0], keys[2]: buckets[1], keys[3]: buckets[2]}, foundBuckets)
}

// FullHosts returns the hosts of a piece, with every field set.
func FullHosts(deployment string, index int, seq uint64) deploy.Hosts {
	return deploy.Hosts{Deployment: deployment, Index: index, Seq: seq, AcceptedAt: noon, IDs: []string{"h1", "h2"}}
}

// FullOutput returns an output with every field set.
func FullOutput(deployment string, index int, seq uint64) deploy.Output {
	return deploy.Output{Deployment: deployment, Index: index, Seq: seq, Lines: 7, Targets: []deploy.TargetOutput{
		{First: 2, End: 7, Lines: 3, Bytes: 1 << 19, Full: true, Attempts: []deploy.AttemptOutput{{Token: 1 << 60, Last: 3}}}, {},
	}}
}

// FullPage returns a page with every field set.
func FullPage(deployment string, index, number int, seq uint64) deploy.Page {
	return deploy.Page{Deployment: deployment, Index: index, Number: number, Seq: seq, Lines: []deploy.SaidLine{
		{
			Target: 112, Host: "h1", Attempt: 2, Number: 3, Step: deploy.StepDuring,
			OutputLine: deploy.OutputLine{Time: noon, Stream: "stderr", Level: "info", Text: "it's $done \t ü\uFFFD"},
		},
		{},
	}}
}

func testOutputRoundTrip(t *testing.T, s Store) {
	outputs := []deploy.Output{FullOutput("a", 0, 7), FullOutput("a", 12, 8), {Deployment: "b", Seq: 1}}
	require.NoError(t, s.PutOutputs(t.Context(), created(outputs...)))
	keys := []fold.BucketKey{{Deployment: "a"}, {Deployment: "a", Index: 1}, {Deployment: "a", Index: 12}, {Deployment: "b"}}
	foundOutputs, err := s.Outputs(t.Context(), keys)
	require.NoError(t, err)
	require.Equal(t, map[fold.BucketKey]deploy.Output{keys[0]: outputs[0], keys[2]: outputs[1], keys[3]: outputs[2]}, foundOutputs)
	require.ErrorIs(t, s.PutOutputs(t.Context(), created(outputs[0])), fold.ErrConflict)

	all := []deploy.Page{FullPage("a", 0, 0, 7), FullPage("a", 0, 12, 7), FullPage("a", 1, 2, 8)}
	require.NoError(t, s.PutPages(t.Context(), created(all...)))
	pages := []fold.PageKey{{Deployment: "a"}, {Deployment: "a", Number: 12}, {Deployment: "a", Index: 12}, {Deployment: "a", Index: 1, Number: 2}}
	foundPages, err := s.Pages(t.Context(), pages)
	require.NoError(t, err)
	require.Equal(t, map[fold.PageKey]deploy.Page{pages[0]: all[0], pages[1]: all[1], pages[3]: all[2]}, foundPages)
	require.ErrorIs(t, s.PutPages(t.Context(), created(all[0])), fold.ErrConflict)
}

// FullStatistics returns statistics with every field set.
func FullStatistics(application, day string, seq uint64) deploy.Statistics {
	return deploy.Statistics{
		Application: application, Day: day, Mark: deploy.Mark{Seq: seq, Installation: "i"},
		Deploys: deploy.Outcomes{Succeeded: 1, Failed: 2, Cancelled: 3, Rejected: 4}, Rollbacks: deploy.Outcomes{Failed: 1},
		Hosts: deploy.Outcomes{Cancelled: 7}, Durations: deploy.Histogram{-1: 2, 40: 1}, LeadTimes: deploy.Histogram{3: 1},
		Restores: deploy.Histogram{90: 2}, FailingSince: noon,
	}
}

// FullPlacement returns a placement with every field set.
func FullPlacement(host string) deploy.Placement {
	return deploy.Placement{
		Host: host, Name: "web ü", Path: "/srv/wéb", Version: "v1", Deployment: "d", Since: noon, Until: noon.Add(time.Hour),
	}
}

func testShared(t *testing.T, s Store) {
	ever, day := FullStatistics("web", "", 3), FullStatistics("web", "2026-03-01", 3)
	require.NoError(t, s.PutStatistics(t.Context(), created(ever, day)))
	found, err := s.Statistics(t.Context(), []fold.StatisticsKey{{Application: "web"}, {}, {Application: "web", Day: "2026-03-01"}})
	require.NoError(t, err)
	require.Equal(t, map[fold.StatisticsKey]deploy.Statistics{{Application: "web"}: ever, {Application: "web", Day: "2026-03-01"}: day}, found)

	part := fold.PartKey{Application: "web", Part: 15}
	runs := deploy.Placements{Application: "web", Part: 15, Mark: ever.Mark, Day: "2026-03-01", Gone: 71, All: []deploy.Placement{FullPlacement("h1"), FullPlacement("h2")}}
	require.NoError(t, s.PutPlacements(t.Context(), created(runs)))
	running, err := s.Placements(t.Context(), []fold.PartKey{part, {Application: "web"}})
	require.NoError(t, err)
	require.Equal(t, map[fold.PartKey]deploy.Placements{part: runs}, running)

	key := fold.DepartureKey{PartKey: part, Day: "2026-03-01", Number: 1}
	ran := deploy.Departures{Application: "web", Part: 15, Day: key.Day, Number: 1, Mark: ever.Mark, All: runs.All}
	require.NoError(t, s.PutDepartures(t.Context(), created(ran)))
	gone, err := s.Departures(t.Context(), []fold.DepartureKey{key, {PartKey: part, Day: "2026-03-01"}})
	require.NoError(t, err)
	require.Equal(t, map[fold.DepartureKey]deploy.Departures{key: ran}, gone)
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

// testMany has small documents: FerretDB reads all there are for each condition.
func testMany(t *testing.T, s Store) {
	const n = 130
	bucket := func(deployment string, i int, seq uint64) deploy.Bucket {
		return deploy.Bucket{Deployment: deployment, Index: i, Seq: seq}
	}
	var first, next []fold.Change[deploy.Bucket]
	for i := range n {
		first = append(first, fold.Change[deploy.Bucket]{Doc: bucket("a", i, 1)})
		next = append(next, fold.Change[deploy.Bucket]{Doc: bucket("a", i, 2), Read: 1})
	}
	require.NoError(t, s.PutBuckets(t.Context(), first))
	gone := fold.Change[deploy.Bucket]{Doc: bucket("gone", 0, 2), Read: 1}
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
		{Seq: 5, Installation: "i"}, {Seq: 9, Installation: "i", Holder: "h", Beat: 1}, {Seq: 9, Installation: "i", Holder: "h", Beat: 2},
		{Installation: "i"}, {Seq: 3, Installation: "another", Beat: 7},
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
	at := fold.Checkpoint{Seq: 5, Installation: "i", Holder: "h", Beat: 3}
	require.NoError(t, s.PutCheckpoint(t.Context(), at, fold.Checkpoint{}))
	for _, read := range []fold.Checkpoint{
		{Seq: 4, Installation: "i", Holder: "h", Beat: 3}, {Seq: 5, Installation: "another", Holder: "h", Beat: 3},
		{Seq: 5, Installation: "i", Holder: "g", Beat: 3}, {Seq: 5, Installation: "i", Holder: "h", Beat: 2}, {Seq: 5, Installation: "i"},
	} {
		require.ErrorIs(t, s.PutCheckpoint(t.Context(), fold.Checkpoint{Seq: 9, Installation: "i"}, read), fold.ErrConflict)
	}
	have, err := s.Checkpoint(t.Context())
	require.NoError(t, err)
	require.Equal(t, at, have)
}

func testSetAside(t *testing.T, s Store) {
	r := fold.Rejected{Seq: 1 << 40, Subject: "slipway.v1.ev.a.sys", Reason: "unknown", At: noon, Data: []byte("{\x00\xff")}
	require.NoError(t, s.SetAside(t.Context(), r))
	require.NoError(t, s.SetAside(t.Context(), r))
}

func testList(t *testing.T, s Store) {
	var all []deploy.Header
	var hosts []deploy.Hosts
	for i := range 6 {
		h := FullHeader(fmt.Sprintf("d%d", 5-i), uint64(i+1)) // ids tell nothing of the order
		h.AcceptedAt = noon.Add(time.Duration(i/2) * time.Hour)
		h.Application, h.Version = []string{"web", "api"}[i%2], []string{"v1.20-rc1", "1.3"}[i%2]
		h.Project = []string{"shop", "shop", "Back-Office", "", "shop", "shop"}[i]
		h.Actor = []string{"ann", "bob"}[i/3]
		h.Batch = []string{"b1", "", "b2"}[i%3]
		h.Stage, h.Template = []string{"production", "test"}[i%2], []string{"nightly", "", "hotfix"}[i/2]
		h.Metadata = [][]deploy.Note{{{Name: "a.b$c", Value: "x"}, {Name: "empty"}}, nil, {{Name: "a.b$c", Value: "y"}, {Name: "other", Value: "x"}}}[i/2]
		h.State = []deploy.State{deploy.AwaitingApproval, deploy.Failed, deploy.AwaitingApproval}[i%3]
		all = append(all, h)
		hosts = append(hosts, deploy.Hosts{Deployment: h.ID, Seq: 1, AcceptedAt: h.AcceptedAt, IDs: []string{"everywhere"}},
			deploy.Hosts{Deployment: h.ID, Index: 1, Seq: 1, AcceptedAt: h.AcceptedAt, IDs: []string{"everywhere", []string{"h0", "h1", "h2"}[i%3]}})
	}
	begunBefore := deploy.Header{ID: "d9", Seq: 9, State: deploy.Running} // its first event is not kept any more
	require.NoError(t, s.PutHeaders(t.Context(), created(append(all, begunBefore)...)))
	hosts = append(hosts, deploy.Hosts{Deployment: "d9", Seq: 1, IDs: []string{"everywhere"}},
		deploy.Hosts{Deployment: "gone", Seq: 1, AcceptedAt: noon.Add(time.Hour), IDs: []string{"everywhere", "h1"}})
	require.NoError(t, s.PutHosts(t.Context(), created(hosts...)))
	for name, c := range map[string]struct {
		page query.Page
		want []int
	}{
		"all":             {query.Page{Limit: 10}, []int{4, 5, 2, 3, 0, 1}},
		"oldest first":    {query.Page{Limit: 10, OldestFirst: true}, []int{1, 0, 3, 2, 5, 4}},
		"a page":          {query.Page{Limit: 2}, []int{4, 5}},
		"the next":        {query.Page{Limit: 2, After: query.PlaceOf(all[5])}, []int{2, 3}},
		"within a moment": {query.Page{Limit: 2, After: query.PlaceOf(all[4])}, []int{5, 2}},
		"the next, oldest first": {
			query.Page{Limit: 3, After: query.PlaceOf(all[1]), OldestFirst: true}, []int{0, 3, 2},
		},
		"application":   {query.Page{Limit: 10, Application: "api"}, []int{5, 3, 1}},
		"project":       {query.Page{Limit: 10, Project: "Back-Office"}, []int{2}},
		"actor":         {query.Page{Limit: 10, Actor: "bob"}, []int{4, 5, 3}},
		"batch":         {query.Page{Limit: 10, Batch: "b2"}, []int{5, 2}},
		"stage":         {query.Page{Limit: 10, Project: "shop", Stage: "production"}, []int{4, 0}},
		"template":      {query.Page{Limit: 10, Project: "shop", Template: "hotfix"}, []int{4, 5}},
		"state":         {query.Page{Limit: 10, State: deploy.AwaitingApproval}, []int{5, 2, 3, 0}},
		"metadata":      {query.Page{Limit: 10, Metadata: noted("a.b$c", "x")}, []int{0, 1}},
		"two of it":     {query.Page{Limit: 10, Metadata: append(noted("other", "x"), noted("a.b$c", "y")...)}, []int{4, 5}},
		"nowhere both":  {query.Page{Limit: 10, Metadata: append(noted("other", "x"), noted("a.b$c", "x")...)}, nil},
		"of two notes":  {query.Page{Limit: 10, Metadata: noted("a.b$c", "")}, nil},
		"noted empty":   {query.Page{Limit: 10, Metadata: noted("empty", "")}, []int{0, 1}},
		"its next page": {query.Page{Limit: 1, Metadata: noted("other", "x"), After: query.PlaceOf(all[4])}, []int{5}},
		"noted, oldest": {query.Page{Limit: 10, Metadata: noted("a.b$c", "y"), OldestFirst: true}, []int{5, 4}},
		"noted, others": {query.Page{Limit: 10, Metadata: noted("other", "x"), Application: "web", Server: "h1"}, []int{4}},
		"server":        {query.Page{Limit: 10, Server: "h1"}, []int{4, 1}},
		"another":       {query.Page{Limit: 10, Server: "h9"}, nil},
		"every one":     {query.Page{Limit: 3, Server: "everywhere"}, []int{4, 5, 2}},
		"oldest there":  {query.Page{Limit: 4, Server: "everywhere", OldestFirst: true}, []int{1, 0, 3, 2}},
		"next there":    {query.Page{Limit: 2, Server: "everywhere", After: query.PlaceOf(all[4])}, []int{5, 2}},
		"next oldest":   {query.Page{Limit: 2, Server: "everywhere", After: query.PlaceOf(all[3]), OldestFirst: true}, []int{2, 5}},
		"far there":     {query.Page{Limit: 1, Server: "everywhere", Project: "Back-Office"}, []int{2}},
		"of then there": {query.Page{Limit: 10, Server: "h1", To: all[4].AcceptedAt}, []int{1}},
		"since":         {query.Page{Limit: 10, From: all[2].AcceptedAt}, []int{4, 5, 2, 3}},
		"until":         {query.Page{Limit: 10, To: all[2].AcceptedAt}, []int{0, 1}},
		"between":       {query.Page{Limit: 10, From: noon.Add(time.Minute), To: noon.Add(2 * time.Hour)}, []int{2, 3}},
		"a word":        {query.Page{Limit: 10, Words: query.Words("OFF")}, []int{2}},
		"words":         {query.Page{Limit: 10, Words: query.Words("v1.20 w")}, []int{4, 2, 0}},
		"within a word": {query.Page{Limit: 10, Words: query.Words("eb")}, nil},
		"everything": {query.Page{
			Limit: 1, Application: "api", Project: "shop", State: deploy.AwaitingApproval, Actor: "bob", Batch: "b2", Stage: "test", Template: "hotfix",
			Metadata: noted("a.b$c", "y"), Server: "h2", Words: []string{"ap"},
			From: noon, To: noon.Add(3 * time.Hour), After: query.PlaceOf(all[4]),
		}, []int{5}},
		"nothing": {query.Page{Limit: 10, Application: "$ne"}, nil},
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

func noted(name, value string) []deploy.Note { return []deploy.Note{{Name: name, Value: value}} }

func testContext(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{
		s.PutHeaders(ctx, created(FullHeader("a", 1))),
		s.PutBuckets(ctx, created(FullBucket("a", 0, 1))),
		s.PutHosts(ctx, created(FullHosts("a", 0, 1))),
		s.PutOutputs(ctx, created(FullOutput("a", 0, 1))),
		s.PutPages(ctx, created(FullPage("a", 0, 0, 1))),
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
