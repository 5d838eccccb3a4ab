package fold_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

// checkpoint is the one that is stored.
func (w *world) checkpoint() fold.Checkpoint {
	w.t.Helper()
	c, err := w.store.Checkpoint(w.t.Context())
	require.NoError(w.t, err)
	return c
}

func TestOneFoldsAndTheOthersKnowHowFar(t *testing.T) {
	w := newWorld(t)
	first, stopFirst := w.followAs(false)
	require.Eventually(t, func() bool { return w.checkpoint().Holder != "" }, deadline, often)
	holder := w.checkpoint().Holder
	second, _ := w.followAs(false)

	messages := foldtest.Stream(seeded(11), 4, 20)
	half := len(messages) / 2
	w.publish(messages[:half])
	w.await(first, w.last)
	w.await(second, w.last)

	began := time.Now()
	stopFirst()
	w.publish(messages[half:])
	w.await(second, w.last)
	require.NotEqual(t, holder, w.checkpoint().Holder)
	require.Less(t, time.Since(began), deadline)
	w.requireReplayed()
}

func TestAHolderThatShowsNothingOfItselfIsReplacedAndStandsByWhenItWakes(t *testing.T) {
	w := newWorld(t)
	messages := foldtest.Stream(seeded(12), 4, 20)
	third := len(messages) / 3
	gone := fold.Checkpoint{Seq: 0, Installation: "", Holder: "killed", Beat: 41}
	require.NoError(t, w.store.PutCheckpoint(t.Context(), gone, fold.Checkpoint{}))
	w.publish(messages[:third])
	at, _ := w.followAs(false)
	w.await(at, w.last)
	mine := w.checkpoint()
	require.NotEqual(t, "killed", mine.Holder)

	// Another one takes the place, as if this one had been frozen.
	require.Eventually(t, func() bool {
		mine = w.checkpoint()
		other := mine
		other.Holder, other.Beat = "another", mine.Beat+1
		return w.store.PutCheckpoint(t.Context(), other, mine) == nil
	}, deadline, often)
	w.publish(messages[third : 2*third])
	// That one shows nothing of itself, and is replaced in turn.
	require.Eventually(t, func() bool { return w.checkpoint().Holder != "another" }, deadline, often)
	w.await(at, w.last)
	w.publish(slices.Clone(messages[2*third:]))
	w.await(at, w.last)
	w.requireReplayed()
}
