package fold_test

import (
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

func TestNothingIsFoldedIntoADeploymentThatIsArchived(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(11), 3, 10))
	store := foldtest.NewMemory()
	folder := fold.NewFolder(store, "here", zerolog.Nop())
	require.NoError(t, folder.Fold(t.Context(), entries))
	gone := entries[0].Deployment
	store.Archive(fold.Archived{Deployment: gone, File: "f"})
	want := store.Documents()
	require.NotContains(t, want.Headers, gone)

	require.NoError(t, folder.Fold(t.Context(), entries), "by one that knew its output")
	require.Equal(t, want, store.Documents())
	folder = fold.NewFolder(store, "here", zerolog.Nop())
	for i := range entries { // each alone
		require.NoError(t, folder.Fold(t.Context(), entries[i:i+1]))
	}
	require.Equal(t, want, store.Documents(), "statistics, and what runs where, stay as they were, too")

	store.Archive(fold.Archived{Deployment: gone, File: "f", Restored: stored})
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), entries))
	require.Equal(t, foldedAtOnce(t, entries), store.Documents(), "what was brought back is folded into again")
}

func TestADeploymentThatIsArchivedWhileAReplicaBelievesItRunsIsNoLoss(t *testing.T) {
	entries := entriesOf(foldtest.Stream(seeded(11), 1, 10))
	store := foldtest.NewMemory()
	frozen := fold.NewFolder(store, "here", zerolog.Nop())
	require.NoError(t, frozen.Fold(t.Context(), entries[:len(entries)/2]))
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), entries))
	store.Archive(fold.Archived{Deployment: entries[0].Deployment, File: "f"})
	want := store.Documents()

	require.NoError(t, frozen.Fold(t.Context(), entries[len(entries)/2:]))
	require.Equal(t, want, store.Documents())
}
