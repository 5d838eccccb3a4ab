package fold_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

var errAway = errors.New("away")

// stored is when EV is said to have stored a message.
var stored = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// entriesOf decodes messages as if EV held them, with some gaps between.
func entriesOf(messages []foldtest.Message) []fold.Entry {
	var entries []fold.Entry
	for i, m := range messages {
		entries = append(entries, fold.Decode(uint64(3+i+i/5), m.Subject, stored, m.Data))
	}
	return entries
}

func seeded(seed uint64) foldtest.Pick { return rand.New(rand.NewPCG(seed, 1)).IntN }

// foldedAtOnce returns the documents that the entries fold to.
func foldedAtOnce(t require.TestingT, entries []fold.Entry) foldtest.Documents {
	store := foldtest.NewMemory()
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(context.Background(), entries))
	return store.Documents()
}

// TestHoweverEventsAreFoldedTheDocumentsAreTheSame is invariant 7: replicas fold
// the stream side by side in batches of any size, start again somewhere before,
// and the store fails at any step, having written or not.
func TestHoweverEventsAreFoldedTheDocumentsAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx, cancel := context.WithTimeout(context.Background(), deadline)
		defer cancel()
		seed := rapid.Uint64().Draw(t, "stream")
		shape := rapid.SampledFrom([]struct{ deployments, targets int }{{3, 1}, {4, 6}, {2, 20}, {1, 230}}).Draw(t, "shape")
		entries := entriesOf(foldtest.Stream(seeded(seed), shape.deployments, shape.targets))

		store := foldtest.NewMemory()
		replicas := make([]*replica, rapid.IntRange(1, 3).Draw(t, "replicas"))
		for i := range replicas {
			replicas[i] = &replica{folder: fold.NewFolder(store, "here", zerolog.Nop())}
		}
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			r := replicas[rapid.IntRange(0, len(replicas)-1).Draw(t, "replica")]
			if rapid.IntRange(0, 5).Draw(t, "restart") == 0 {
				r.folder = fold.NewFolder(store, "here", zerolog.Nop())
				r.next = rapid.IntRange(0, r.placed).Draw(t, "from")
				r.placed = r.next
			}
			failOnce(store, rapid.IntRange(0, 30).Draw(t, "fault"))
			batch := entries[r.next:min(r.next+rapid.IntRange(0, 200).Draw(t, "batch"), len(entries))]
			require.NoError(t, r.folder.Gather(ctx, batch))
			r.next += len(batch)
			if rapid.Bool().Draw(t, "place") {
				require.NoError(t, r.folder.Place(ctx))
				r.placed = r.next
			}
		}
		require.NoError(t, replicas[0].folder.Fold(ctx, entries[replicas[0].next:]))
		require.Equal(t, foldedAtOnce(t, entries), store.Documents())
		requireWhole(t, store.Documents())
	})
}

// requireWhole says that all deployments have ended, that their headers count what
// their buckets hold, and that they are found by the hosts in these.
func requireWhole(t require.TestingT, docs foldtest.Documents) {
	for id, h := range docs.Headers {
		require.True(t, h.State.Terminal())
		total := h.Total()
		require.Equal(t, h.Targets, total.Succeeded+total.Failed+total.Skipped+total.Cancelled)
		require.True(t, h.Until.IsZero(), "what has ended waits for nothing")
		for i, counts := range h.Counts {
			require.Equal(t, docs.Buckets[fold.BucketKey{Deployment: id, Index: i}].Counts(), counts)
			var hosts []string
			for _, t := range docs.Buckets[fold.BucketKey{Deployment: id, Index: i}].Targets {
				hosts = append(hosts, t.Host)
			}
			on := docs.Hosts[fold.BucketKey{Deployment: id, Index: i}]
			require.Equal(t, hosts, on.IDs)
			require.Equal(t, h.AcceptedAt, on.AcceptedAt)
		}
	}
}

type replica struct {
	folder *fold.Folder
	next   int // index of the entry to fold next
	placed int // and of the first whose arrivals are not written
}

// failOnce makes the nth step from now fail, and no other.
func failOnce(store *foldtest.Memory, n int) {
	store.Fail(func(string) error {
		n--
		if n == 0 {
			return errAway
		}
		return nil
	})
}

func TestACrashBetweenTargetsAndHeaderCountsNothingTwice(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(7), 1, 30))
	store := foldtest.NewMemory()
	half := len(entries) / 2
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), entries[:half]))
	before := store.Documents()

	ctx, crash := context.WithCancel(t.Context())
	store.Fail(func(doing string) error {
		if doing == foldtest.WritingHeader {
			crash()
			return errAway
		}
		return nil
	})
	err := fold.NewFolder(store, "here", zerolog.Nop()).Fold(ctx, entries[half:])
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before.Headers, store.Documents().Headers)
	require.NotEqual(t, before.Buckets, store.Documents().Buckets)

	store.Fail(func(string) error { return nil })
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), entries[half-10:]))
	require.Equal(t, foldedAtOnce(t, entries), store.Documents())
}

func TestEachDocumentIsWrittenOnceABatchAndReadOnceAtAll(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(3), 1, 5))
	store := foldtest.NewMemory()
	done := map[string]int{}
	store.Fail(func(doing string) error { done[doing]++; return nil })
	folder := fold.NewFolder(store, "here", zerolog.Nop())
	require.NoError(t, folder.Fold(t.Context(), entries[:10]))
	require.NoError(t, folder.Fold(t.Context(), entries[10:20]))
	require.NoError(t, folder.Fold(t.Context(), entries[10:20]), "again")
	require.Equal(t, 2, done[foldtest.WritingBucket])
	require.Equal(t, 2, done[foldtest.WritingHeader])
	require.Equal(t, 1, done[foldtest.WritingHosts], "they are planned once")
	require.LessOrEqual(t, done[foldtest.WritingOutput], 2)
	require.Equal(t, 4, done[foldtest.Reading], "one for the documents of each kind, but the targets of a deployment that is new, and for what is archived")
}

// TestWhatIsSaidMovesNoOtherDocument has lists and targets cost what they did, however
// much is said.
func TestWhatIsSaidMovesNoOtherDocument(t *testing.T) {
	var quiet []fold.Entry
	all := entriesOf(foldtest.Stream(seeded(11), 2, 10))
	lines := 0
	for _, e := range all {
		if said, ok := e.Record.Event.(deploy.OutputSaid); ok {
			lines += len(said.Lines)
			continue
		}
		quiet = append(quiet, e)
	}
	require.Greater(t, lines, deploy.OutputPage)
	want, got := foldedAtOnce(t, quiet), foldedAtOnce(t, all)
	require.Equal(t, want.Headers, got.Headers)
	require.Equal(t, want.Buckets, got.Buckets)
	stored := 0
	for _, p := range got.Pages {
		stored += len(p.Lines)
	}
	require.Positive(t, stored)
	require.Less(t, stored, lines, "what was told twice is stored once")
}

func TestADocumentThatIsOlderThanItWasIsNoticed(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(3), 1, 5))
	store := foldtest.NewMemory()
	folder := fold.NewFolder(store, "here", zerolog.Nop())
	require.NoError(t, folder.Fold(t.Context(), entries[:10]))
	store.Empty()
	require.ErrorIs(t, folder.Fold(t.Context(), entries[10:20]), fold.ErrLost)
	require.Empty(t, store.Documents().Headers)
	require.Empty(t, store.Documents().Buckets)
}

func TestAPoisonedEventIsSetAsideAndTheOthersAreFolded(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(3), 2, 5))
	poison := fold.Decode(1_000_000, "slipway.v1.ev.x.sys", stored, []byte("{"))
	mixed := append(append(append([]fold.Entry{}, entries[:8]...), poison), entries[8:]...)
	want := foldedAtOnce(t, entries)
	want.Aside[1_000_000] = *poison.Rejected

	store := foldtest.NewMemory()
	failOnce(store, 3)
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), mixed))
	require.Equal(t, want, store.Documents())
}

func TestAnEventWhoseDocumentTheStoreRefusesIsSetAsideAlone(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(3), 3, 30))
	for name, like := range map[string]func(fold.Entry) bool{
		"of a job": func(e fold.Entry) bool { _, ok := e.Record.Event.(deploy.StepChanged); return ok },
		"output":   func(e fold.Entry) bool { _, ok := e.Record.Event.(deploy.OutputSaid); return ok },
	} {
		t.Run(name, func(t *testing.T) {
			third := len(entries) / 3
			bad := entries[third+slices.IndexFunc(entries[third:], like)]
			store := refusing{foldtest.NewMemory(), bad}
			require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), slices.Clone(entries)))

			without := slices.DeleteFunc(slices.Clone(entries), func(e fold.Entry) bool { return e.Seq == bad.Seq })
			want, have := foldedAtOnce(t, without), store.Documents()
			require.Len(t, have.Aside, 1)
			require.Contains(t, have.Aside[bad.Seq].Reason, "refuses")
			require.NotEmpty(t, have.Aside[bad.Seq].Data)
			want.Aside = have.Aside
			if name == "output" {
				want.Pages = have.Pages // pages were written before what was refused
			}
			require.Equal(t, want, have)
		})
	}
}

// refusing is a store that never takes what holds one event.
type refusing struct {
	*foldtest.Memory
	bad fold.Entry
}

func (r refusing) PutBuckets(ctx context.Context, changes []fold.Change[deploy.Bucket]) error {
	for _, c := range changes {
		i, ok := deploy.BucketOf(r.bad.Record.Event)
		if ok && r.refuses(c.Doc.Deployment, c.Doc.Index == i, c.Read, c.Doc.Seq) {
			return fold.ErrRefused
		}
	}
	return r.Memory.PutBuckets(ctx, changes)
}

func (r refusing) PutOutputs(ctx context.Context, changes []fold.Change[deploy.Output]) error {
	for _, c := range changes {
		said, ok := r.bad.Record.Event.(deploy.OutputSaid)
		if ok && r.refuses(c.Doc.Deployment, c.Doc.Index == said.On.Target/deploy.PieceSize, c.Read, c.Doc.Seq) {
			return fold.ErrRefused
		}
	}
	return r.Memory.PutOutputs(ctx, changes)
}

// refuses says whether a document of this deployment holds the bad event first.
func (r refusing) refuses(deployment string, index bool, read, seq uint64) bool {
	return deployment == r.bad.Deployment && index && read < r.bad.Seq && seq >= r.bad.Seq && len(r.Documents().Aside) == 0
}

func TestEventsThatWouldBreakADocumentAreRejected(t *testing.T) {
	job := contract.Envelope{Deployment: "d", Host: "h"}
	sys := contract.Envelope{Deployment: "d"}
	planned := func(first, n int) contract.PlannedEvent {
		return contract.PlannedEvent{First: first, Targets: make([]contract.PlannedTarget, n)}
	}
	said := func(first, n int) contract.JobOutputEvent {
		return contract.JobOutputEvent{First: first, Lines: make([]contract.OutputLine, n)}
	}
	cases := map[string]struct {
		subject  string
		envelope contract.Envelope
		body     contract.Body
		reason   string // empty: it is folded
	}{
		"sound":                   {"slipway.v1.ev.d.job.h", job, contract.JobEndedEvent{State: "failed"}, ""},
		"a stop":                  {"slipway.v1.ev.d.stop", sys, contract.StopEvent{Cause: "cancelled"}, ""},
		"a stop of another":       {"slipway.v1.ev.e.stop", sys, contract.StopEvent{Cause: "cancelled"}, "its subject says otherwise"},
		"a status":                {"slipway.v1.ev.d.sys", sys, contract.StatusEvent{State: "paused"}, ""},
		"no event":                {"slipway.v1.ev.d.sys", sys, contract.DeployCommand{}, "is no event"},
		"of another deployment":   {"slipway.v1.ev.e.sys", sys, contract.WaveEvent{}, "its subject says otherwise"},
		"of another host":         {"slipway.v1.ev.d.job.i", job, contract.JobEndedEvent{}, "its subject says otherwise"},
		"output":                  {"slipway.v1.ev.d.output.h", job, said(1, 1), ""},
		"much output":             {"slipway.v1.ev.d.output.h", job, said(1, 1000), ""},
		"too much output":         {"slipway.v1.ev.d.output.h", job, said(1, 1001), "1001 lines"},
		"no output":               {"slipway.v1.ev.d.output.h", job, said(1, 0), "0 lines"},
		"output before the first": {"slipway.v1.ev.d.output.h", job, said(0, 1), "from 0 on"},
		"output of another host":  {"slipway.v1.ev.d.output.i", job, said(1, 1), "its subject says otherwise"},
		"of no deployment":        {"slipway.v1.ev..sys", contract.Envelope{}, contract.WaveEvent{}, "cannot be the id"},
		"of a forged deployment":  {"slipway.v1.ev.a/b.sys", contract.Envelope{Deployment: "a/b"}, contract.WaveEvent{}, "cannot be the id"},
		"too many targets":        {"slipway.v1.ev.d.sys", sys, contract.AcceptedEvent{Targets: 1 << 40}, "targets"},
		"less than no targets":    {"slipway.v1.ev.d.sys", sys, contract.AcceptedEvent{Targets: -1}, "targets"},
		"a plan in its bucket":    {"slipway.v1.ev.d.sys", sys, planned(130, 70), ""},
		"a plan over its bucket":  {"slipway.v1.ev.d.sys", sys, planned(130, 71), "not in one bucket"},
		"a plan before the first": {"slipway.v1.ev.d.sys", sys, planned(-1, 2), "not in one bucket"},
		"a plan beyond the last":  {"slipway.v1.ev.d.sys", sys, planned(1<<62, 1), "not in one bucket"},
		"a plan of nothing":       {"slipway.v1.ev.d.sys", sys, planned(100, 0), ""},
		"a target before the first": {
			"slipway.v1.ev.d.job.h", contract.Envelope{Deployment: "d", Host: "h", Target: -1}, contract.JobStartedEvent{}, "no target can be",
		},
		"a target beyond the last": {
			"slipway.v1.ev.d.job.h", contract.Envelope{Deployment: "d", Host: "h", Target: 1 << 40}, contract.JobProgressEvent{}, "no target can be",
		},
		"a token beyond all sequences": {
			"slipway.v1.ev.d.job.h", contract.Envelope{Deployment: "d", Host: "h", Token: 1 << 63}, contract.JobStepEvent{}, "no sequence can be",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			data, err := contract.Encode(c.envelope, c.body)
			require.NoError(t, err)
			e := fold.Decode(9, c.subject, stored, data)
			require.EqualValues(t, 9, e.Seq)
			if c.reason == "" {
				require.Nil(t, e.Rejected)
				foldedAtOnce(t, []fold.Entry{e})
				return
			}
			require.NotNil(t, e.Rejected)
			require.Contains(t, e.Rejected.Reason, c.reason)
			require.Equal(t, fold.Rejected{Seq: 9, Subject: c.subject, Reason: e.Rejected.Reason, At: stored, Data: data}, *e.Rejected)
		})
	}
}

func TestLongLinesAreClipped(t *testing.T) {
	data, err := contract.Encode(contract.Envelope{Deployment: "d", Host: "h"}, contract.JobOutputEvent{
		Step: "before", First: 1, Lines: []contract.OutputLine{{Stream: strings.Repeat("s", 100), Level: "info", Text: strings.Repeat("é", 5000)}},
	})
	require.NoError(t, err)
	page := foldedAtOnce(t, []fold.Entry{fold.Decode(1, "slipway.v1.ev.d.output.h", stored, data)}).Pages[fold.PageKey{Deployment: "d"}]
	require.Equal(t, strings.Repeat("é", 4096)+"…", page.Lines[0].Text)
	require.Equal(t, strings.Repeat("s", 32)+"…", page.Lines[0].Stream)
}

func TestLongTextsAreClipped(t *testing.T) {
	data, err := contract.Encode(contract.Envelope{Deployment: "d", Host: "h"}, contract.JobEndedEvent{
		State: "failed", Note: "short", Failure: &contract.Failure{Code: "host_error", Reason: "x" + strings.Repeat("é", 5000)},
	})
	require.NoError(t, err)
	ended := fold.Decode(1, "slipway.v1.ev.d.job.h", stored, data).Record.Event.(deploy.JobEnded)
	require.Equal(t, "short", ended.Note)
	require.Equal(t, "x"+strings.Repeat("é", 1023)+"…", ended.Failure.Reason)

	for _, body := range []contract.Body{
		contract.StatusEvent{State: "paused", Reason: strings.Repeat("r", 5000)}, contract.ConcludedEvent{State: "cancelled", Reason: strings.Repeat("r", 5000)},
	} {
		data, err := contract.Encode(contract.Envelope{Deployment: "d"}, body)
		require.NoError(t, err)
		header := foldedAtOnce(t, []fold.Entry{fold.Decode(1, "slipway.v1.ev.d.sys", stored, data)}).Headers["d"]
		require.Equal(t, strings.Repeat("r", 2048)+"…", header.Reason, "a person may write as much as he likes")
	}
}
