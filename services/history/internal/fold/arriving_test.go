package fold_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

// placing counts the rows of what runs and ran where that are written to it, and
// refuses documents that hold a host.
type placing struct {
	*foldtest.Memory
	rows   int
	refuse string
}

func (p *placing) PutPlacements(ctx context.Context, changes []fold.Change[deploy.Placements]) error {
	for _, c := range changes {
		if slices.ContainsFunc(c.Doc.All, func(one deploy.Placement) bool { return one.Host == p.refuse }) {
			return fmt.Errorf("%w: of the test", fold.ErrRefused)
		}
		p.rows += len(c.Doc.All)
	}
	return p.Memory.PutPlacements(ctx, changes)
}

func (p *placing) PutDepartures(ctx context.Context, changes []fold.Change[deploy.Departures]) error {
	for _, c := range changes {
		p.rows += len(c.Doc.All)
	}
	return p.Memory.PutDepartures(ctx, changes)
}

func fleet(deployments, hosts int) []fold.Entry {
	return entriesOf(foldtest.Fleet(deployments, hosts, 200))
}

func TestWhatAnArrivalCostsDoesNotDependOnHowManyHostsThereAre(t *testing.T) {
	for _, hosts := range []int{10, 1000, 5000} {
		deployments := 20_000 / hosts
		store := &placing{Memory: foldtest.NewMemory()}
		folder := fold.NewFolder(store, "here", zerolog.Nop())
		for some := range slices.Chunk(fleet(deployments, hosts), 2000) {
			require.NoError(t, folder.Gather(t.Context(), some))
			if folder.Full() {
				require.NoError(t, folder.Place(t.Context()))
			}
		}
		require.NoError(t, folder.Place(t.Context()))
		require.False(t, folder.Arriving())
		require.Less(t, float64(store.rows)/float64(deployments*hosts), 2.5, "rows written for an arrival, with %d hosts", hosts)
	}
}

func TestWhatArrivesIsWrittenWhenItIsPlaced(t *testing.T) {
	entries := fleet(2, 3)
	store := foldtest.NewMemory()
	folder := fold.NewFolder(store, "here", zerolog.Nop())
	require.NoError(t, folder.Gather(t.Context(), entries))
	require.True(t, folder.Arriving())
	require.False(t, folder.Full())
	require.Empty(t, store.Documents().Placements)
	require.NoError(t, folder.Place(t.Context()))
	require.False(t, folder.Arriving())
	require.Equal(t, foldedAtOnce(t, entries), store.Documents())
}

func TestAnArrivalWhoseDocumentTheStoreRefusesIsSetAsideAlone(t *testing.T) {
	entries := fleet(1, 30)
	var refused fold.Entry
	for _, e := range entries {
		if end, ok := e.Record.Event.(deploy.JobEnded); ok {
			refused = e
			if end.On.Target == 7 {
				break
			}
		}
	}
	host := refused.Record.Event.(deploy.JobEnded).On.Host
	store := &placing{Memory: foldtest.NewMemory(), refuse: host}
	require.NoError(t, fold.NewFolder(store, "here", zerolog.Nop()).Fold(t.Context(), entries))
	docs, placed := store.Documents(), 0
	for _, p := range docs.Placements {
		placed += len(p.All)
	}
	require.Equal(t, 29, placed)
	require.Len(t, docs.Aside, 1)
	require.Contains(t, docs.Aside, refused.Seq)
}
