package retention

import (
	"context"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/archive"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// frozen is a place for whose writer time stands still once, for as long as meanwhile takes:
// at the beginning of the first file, or when all of it is written and it has no name yet.
type frozen struct {
	archive.Place
	atEnd     bool
	meanwhile func()
	once      sync.Once
}

func (f *frozen) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	return f.Place.Put(ctx, name, func(to io.Writer) error {
		if f.atEnd {
			err := write(to)
			f.once.Do(f.meanwhile)
			return err
		}
		return write(freezing{to, f})
	})
}

type freezing struct {
	io.Writer
	at *frozen
}

func (f freezing) Write(b []byte) (int, error) {
	f.at.once.Do(f.at.meanwhile)
	return f.Writer.Write(b)
}

// TestOfTwoSweepersTheLateOneSpoilsNoFile is about the replica that folds and whoever archives
// by hand, or a replica that was frozen: what one has archived and taken away, the other has
// seen before, and writes after.
func TestOfTwoSweepersTheLateOneSpoilsNoFile(t *testing.T) {
	t.Run("which has nothing to write any more", func(t *testing.T) {
		k := newKept(t, false, 8, 5)
		was, goes := k.dump(), k.chosen(later)
		late := k.sweeper("")
		late.place = &frozen{Place: k.place(), meanwhile: func() {
			gone, err := k.sweep(k.sweeper(""), later)
			require.NoError(t, err)
			require.Equal(t, goes, gone)
		}}
		gone, err := k.sweep(late, later)
		require.NoError(t, err)
		require.Empty(t, gone)
		k.requireArchived(was, goes...)
		require.Equal(t, was.without(goes...), k.dump())
	})
	t.Run("which has what was there before", func(t *testing.T) {
		k := newKept(t, false, 8, 5)
		goes := k.chosen(later)
		late, was := k.sweeper(""), dump{}
		late.place = &frozen{Place: k.place(), atEnd: true, meanwhile: func() {
			k.event(goes[0], 10_000)
			was = k.dump()
			gone, err := k.sweep(k.sweeper(""), later)
			require.NoError(t, err)
			require.Equal(t, goes, gone)
		}}
		gone, err := k.sweep(late, later)
		require.NoError(t, err)
		require.Empty(t, gone)
		k.requireArchived(was, goes...)
	})
}

// TestADeploymentIsFinishedOnlyOnceItsHeaderIsGone is about a sweeper that has died after it
// noted what goes, and one that finds it when an event of it waits.
func TestADeploymentIsFinishedOnlyOnceItsHeaderIsGone(t *testing.T) {
	k := newKept(t, false, 8, 5)
	was, goes := k.dump(), k.chosen(later)
	_, err := k.sweep(k.sweeper("remove the header"), later)
	require.ErrorIs(t, err, errDied)
	begun, err := k.docs.Unsettled(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, begun)

	waits := k.sweeper("")
	waits.folded = func(context.Context, string) (bool, error) { return false, nil }
	gone, err := k.sweep(waits, later)
	require.NoError(t, err)
	require.Empty(t, gone)
	require.Equal(t, was, k.dump(), "it stays for now, to its last document")

	changes := k.sweeper("")
	changes.between = func(func() error) error { return errChanged }
	require.NoError(t, changes.finish(t.Context()))
	require.Equal(t, was, k.dump(), "so does one that changes all the time")

	_, err = k.sweep(k.sweeper(""), later)
	require.NoError(t, err)
	k.requireArchived(was, goes...)
	require.Equal(t, was.without(goes...), k.dump())
}

// event has a header stand at an event of its deployment.
func (k *kept) event(id string, seq uint64) {
	k.t.Helper()
	found, err := k.docs.Headers(k.t.Context(), []string{id})
	require.NoError(k.t, err)
	h := found[id]
	read := h.Seq
	h.Seq = seq
	require.NoError(k.t, k.docs.PutHeaders(k.t.Context(), []fold.Change[deploy.Header]{{Doc: h, Read: read}}))
}
