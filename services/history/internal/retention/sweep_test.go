package retention

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/storetest"
	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

var (
	errDied = errors.New("it died")
	later   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC) // than all of foldtest's streams
)

// kept is a store with a past, and an archive.
type kept struct {
	t       *testing.T
	server  *storetest.Store
	docs    *store.Store
	root    string
	entries []fold.Entry
	cfg     Config
}

// newKept folds the past of some deployments into an embedded store.
func newKept(t *testing.T, singleWriter bool, deployments, targets int) *kept {
	t.Helper()
	server := storetest.Start(t)
	docs, err := store.Open(store.Config{URI: server.URI, Database: server.Database, SingleWriter: singleWriter})
	require.NoError(t, err)
	t.Cleanup(func() { _ = docs.Close(context.Background()) })
	require.NoError(t, docs.Prepare(t.Context()))
	k := &kept{t: t, server: server, docs: docs, root: t.TempDir(), cfg: Config{
		Policies: Policies{Others: Policy{MaxAge: 24 * time.Hour}}, RestoredFor: 24 * time.Hour,
	}}
	for i, m := range foldtest.Stream(rand.New(rand.NewPCG(5, 5)).IntN, deployments, targets) {
		k.entries = append(k.entries, fold.Decode(uint64(1+i), m.Subject, later, m.Data))
	}
	k.fold(k.entries)
	return k
}

func (k *kept) fold(entries []fold.Entry) {
	k.t.Helper()
	require.NoError(k.t, fold.NewFolder(k.docs, "here", zerolog.Nop()).Fold(k.t.Context(), slices.Clone(entries)))
}

func (k *kept) place() archive.Place { return archive.NewDirectory(k.root) }

// sweeper is one that is dead from this step on; "": it lives.
func (k *kept) sweeper(dies string) *Sweeper {
	folded := func(context.Context, string) (bool, error) { return true, nil }
	s := NewSweeper(k.cfg, k.docs, k.place(), folded, func(do func() error) error { return do() }, zerolog.Nop())
	dead := false
	s.step = func(name string) error {
		if dead = dead || name == dies; dead {
			return errDied
		}
		return nil
	}
	return s
}

func (k *kept) sweep(s *Sweeper, at time.Time) ([]string, error) {
	var ids []string
	_, err := s.Sweep(k.t.Context(), at, func(c Choice) { ids = append(ids, c.ID) })
	return ids, err
}

func (k *kept) chosen(at time.Time) []string {
	k.t.Helper()
	choices, err := k.sweeper("").Choose(k.t.Context(), at)
	require.NoError(k.t, err)
	ids := []string{}
	for _, c := range choices {
		ids = append(ids, c.ID)
	}
	return ids
}

// dump is all documents, by collection and id.
type dump map[string]map[string]store.Document

func (k *kept) dump() dump {
	k.t.Helper()
	all := dump{}
	for _, collection := range store.Folded() {
		all[collection] = map[string]store.Document{}
		require.NoError(k.t, k.docs.Each(k.t.Context(), collection, func(d store.Document) error {
			all[collection][d.ID] = d
			return nil
		}))
	}
	return all
}

// without returns what is there when these deployments are gone.
func (d dump) without(ids ...string) dump {
	rest := dump{}
	for collection, docs := range d {
		rest[collection] = map[string]store.Document{}
		for id, doc := range docs {
			if !slices.Contains(store.OfDeployments(), collection) || !slices.Contains(ids, doc.Deployment()) {
				rest[collection][id] = doc
			}
		}
	}
	return rest
}

// requireArchived says that the archive holds these deployments as they were, and no more.
func (k *kept) requireArchived(was dump, ids ...string) {
	k.t.Helper()
	have := []string{}
	require.NoError(k.t, k.place().Each(k.t.Context(), "", func(name string) error {
		f, err := k.place().Open(k.t.Context(), name)
		require.NoError(k.t, err)
		defer f.Close()
		r := &gathering{docs: dump{}}
		require.NoError(k.t, archive.Read(f, r))
		have = append(have, r.of.ID)
		for _, collection := range store.OfDeployments() {
			for id, doc := range was[collection] {
				if doc.Deployment() == r.of.ID {
					require.Equal(k.t, doc, r.docs[collection][id])
					delete(r.docs[collection], id)
				}
			}
			require.Empty(k.t, r.docs[collection])
		}
		return nil
	}))
	require.ElementsMatch(k.t, ids, have)
}

// gathering is an archive.Reader that keeps what it is told.
type gathering struct {
	of   archive.Deployment
	docs dump
}

func (g *gathering) Begin(of archive.Deployment) error { g.of = of; return nil }
func (g *gathering) End(archive.Deployment) error      { return nil }
func (g *gathering) Document(_ archive.Deployment, d archive.Document) error {
	if g.docs[d.Collection] == nil {
		g.docs[d.Collection] = map[string]store.Document{}
	}
	doc := store.DocumentOf(d.Raw)
	g.docs[d.Collection][doc.ID] = doc
	return nil
}

// TestWhereverItDiesNothingIsLostAndNothingIsThereTwice has a sweeper die before each step,
// one after the other, until one is through.
func TestWhereverItDiesNothingIsLostAndNothingIsThereTwice(t *testing.T) {
	for name, singleWriter := range map[string]bool{"single writer": true, "conditional": false} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t, singleWriter, 16, 12)
			was, goes := k.dump(), k.chosen(later)
			require.Greater(t, len(goes), 3)
			for _, at := range []string{"write the file", "note it", "remove the header", "remove the others", "note the end"} {
				_, err := k.sweep(k.sweeper(at), later)
				require.ErrorIs(t, err, errDied, at)
			}
			_, err := k.sweep(k.sweeper(""), later)
			require.NoError(t, err)
			require.Equal(t, was.without(goes...), k.dump(), "what stays is as it was, statistics too")
			k.requireArchived(was, goes...)
			unsettled, err := k.docs.Unsettled(t.Context())
			require.NoError(t, err)
			require.Empty(t, unsettled)

			k.fold(k.entries)
			require.Equal(t, was.without(goes...), k.dump(), "a replay brings nothing back")
			more, err := k.sweep(k.sweeper(""), later)
			require.NoError(t, err)
			require.Empty(t, more)
		})
	}
}

func TestWhatIsBroughtBackIsAsItWasAndStaysForAWhile(t *testing.T) {
	k := newKept(t, true, 12, 12)
	was, list := k.dump(), k.listed()
	gone, err := k.sweep(k.sweeper(""), later)
	require.NoError(t, err)
	require.ElementsMatch(t, list, append(k.listed(), gone...), "lists show what stays")
	files := k.files()

	back := gone[0]
	r := NewRestorer(k.docs, back, later)
	k.restoreAll(r)
	require.Equal(t, []string{back}, r.Restored)
	require.Equal(t, was.without(gone[1:]...), k.dump(), "the one that was asked for")
	require.Empty(t, k.chosen(later.Add(23*time.Hour)))
	require.Equal(t, []string{back}, k.chosen(later.Add(25*time.Hour)))

	r = NewRestorer(k.docs, "", later.Add(time.Hour))
	k.restoreAll(r)
	require.Equal(t, []string{back}, r.There)
	require.ElementsMatch(t, gone[1:], r.Restored)
	require.Equal(t, was, k.dump())
	require.Equal(t, list, k.listed())
	k.fold(k.entries)
	require.Equal(t, was, k.dump())

	again, err := k.sweep(k.sweeper(""), later.Add(48*time.Hour))
	require.NoError(t, err)
	require.Equal(t, gone, again)
	require.Equal(t, files, k.files(), "the same files, to the byte")
	require.Equal(t, was.without(gone...), k.dump())
}

// listed returns the ids of a list of all deployments.
func (k *kept) listed() []string {
	k.t.Helper()
	found, err := k.docs.List(k.t.Context(), query.Page{Limit: 100})
	require.NoError(k.t, err)
	ids := []string{}
	for _, h := range found {
		ids = append(ids, h.ID)
	}
	return ids
}

func (k *kept) restoreAll(r *Restorer) {
	k.t.Helper()
	require.NoError(k.t, k.place().Each(k.t.Context(), "", func(name string) error {
		f, err := k.place().Open(k.t.Context(), name)
		require.NoError(k.t, err)
		defer f.Close()
		return r.Restore(k.t.Context(), name, f)
	}))
}

func (k *kept) files() map[string][]byte {
	k.t.Helper()
	all := map[string][]byte{}
	require.NoError(k.t, k.place().Each(k.t.Context(), "", func(name string) (err error) {
		all[name], err = os.ReadFile(filepath.Join(k.root, name))
		return err
	}))
	return all
}

// dying is an archive.Reader that stops before its nth document.
type dying struct {
	restoring
	n int
}

func (d *dying) Document(of archive.Deployment, doc archive.Document) error {
	if d.n--; d.n < 0 {
		return errDied
	}
	return d.restoring.Document(of, doc)
}

func (d *dying) End(of archive.Deployment) error {
	if d.n--; d.n < 0 {
		return errDied
	}
	return d.restoring.End(of)
}

func TestARestoreThatDiesCanBeRepeated(t *testing.T) {
	k := newKept(t, true, 6, 12)
	was := k.dump()
	gone, err := k.sweep(k.sweeper(""), later)
	require.NoError(t, err)
	name, err := FileOf(t.Context(), k.docs, gone[0])
	require.NoError(t, err)
	for n := 0; ; n++ {
		f, err := k.place().Open(t.Context(), name)
		require.NoError(t, err)
		err = archive.Read(f, &dying{restoring{NewRestorer(k.docs, "", later), t.Context()}, n})
		require.NoError(t, f.Close())
		if err == nil {
			require.Greater(t, n, 2)
			break
		}
		require.ErrorIs(t, err, errDied)
		require.NotContains(t, k.dump()["deployments"], gone[0], "it is there whole or not at all")
		require.Empty(t, k.chosen(later), "and nobody takes away what has come")
		k.fold(k.entries[:1]) // whoever folds meanwhile
	}
	require.Equal(t, was.without(gone[1:]...), k.dump())
}

func TestADamagedFileBringsNothingBack(t *testing.T) {
	k := newKept(t, true, 6, 12)
	gone, err := k.sweep(k.sweeper(""), later)
	require.NoError(t, err)
	name, err := FileOf(t.Context(), k.docs, gone[0])
	require.NoError(t, err)
	path, is := filepath.Join(k.root, name), k.dump()
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, whole[:len(whole)-20], 0o600))
	f, err := k.place().Open(t.Context(), name)
	require.NoError(t, err)
	defer f.Close()
	require.ErrorIs(t, NewRestorer(k.docs, "", later).Restore(t.Context(), name, f), archive.ErrDamaged)
	require.Equal(t, is, k.dump())
	_, err = FileOf(t.Context(), k.docs, "none")
	require.ErrorIs(t, err, ErrNotArchived)
}

// TestWhatIsFoldedWhileItIsArchivedIsNotLost has a late event come between the file and the
// removal, and a replica that does not know that it was replaced write after that.
func TestWhatIsFoldedWhileItIsArchivedIsNotLost(t *testing.T) {
	k := newKept(t, false, 6, 12)
	id := k.chosen(later)[0]
	headerOf := func() deploy.Header {
		found, err := k.docs.Headers(t.Context(), []string{id})
		require.NoError(t, err)
		return found[id]
	}
	event := func(seq uint64) {
		h := headerOf()
		read := h.Seq
		h.Seq = seq
		require.NoError(t, k.docs.PutHeaders(t.Context(), []fold.Change[deploy.Header]{{Doc: h, Read: read}}))
	}
	s := k.sweeper("")
	var tries []string
	s.step = func(name string) error {
		tries = append(tries, name)
		if name == "remove the header" && len(tries) < 6 {
			event(20_000) // conflicts with what was read
		}
		return nil
	}
	once := true
	s.between = func(do func() error) error {
		if once {
			once = false
			event(10_000)
		}
		return do()
	}
	came, err := s.archive(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, went, came)
	require.Equal(t, []string{
		"write the file", "write the file", "note it", "remove the header", "write the file", "note it", "remove the header", "remove the others", "note the end",
	}, tries)
	require.Zero(t, headerOf().Seq)
	k.restoreAll(NewRestorer(k.docs, "", later))
	require.EqualValues(t, 20_000, headerOf().Seq)
}

func TestWhatHasEventsThatWaitIsNotArchived(t *testing.T) {
	k := newKept(t, true, 6, 12)
	was := k.dump()
	s := k.sweeper("")
	s.folded = func(context.Context, string) (bool, error) { return false, nil }
	gone, err := k.sweep(s, later)
	require.NoError(t, err)
	require.Empty(t, gone)
	require.Equal(t, was, k.dump())

	s = k.sweeper("")
	s.between = func(func() error) error { return fold.ErrStandingBy }
	_, err = k.sweep(s, later)
	require.ErrorIs(t, err, fold.ErrStandingBy)
	require.Equal(t, was, k.dump(), "a replica that does not fold takes nothing away")
}

func TestAnArchiveThatIsAwayIsLeftAloneAfterAFewTries(t *testing.T) {
	k := newKept(t, true, 12, 5)
	was := k.dump()
	s, puts := k.sweeper(""), 0
	s.step = func(string) error { puts++; return errDied }
	_, err := k.sweep(s, later)
	require.ErrorIs(t, err, errDied)
	require.Equal(t, giveUp, puts)
	require.Equal(t, was, k.dump())
}
