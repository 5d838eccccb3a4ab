package fold

import (
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

func TestWhatRunsWhereIsWrittenBeforeOthersActOnDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &Follower{folder: NewFolder(nil, "", zerolog.Nop()), gate: newGate()}
		require.ErrorIs(t, f.Between(func() error { return nil }), ErrStandingBy)
		f.gate.set(true, false)
		require.NoError(t, f.Between(func() error { return nil }))

		require.NoError(t, f.fold(func() error {
			f.folder.arriving.all = []arrival{{}}
			return nil
		}))
		acted := make(chan error, 1)
		between := func() { acted <- f.Between(func() error { return nil }) }
		go between()
		synctest.Wait()
		require.Empty(t, acted)
		require.True(t, f.gate.awaited(), "so that it is written soon")
		require.NoError(t, f.fold(func() error {
			f.folder.arriving = arriving{}
			return nil
		}))
		require.NoError(t, <-acted)
		require.False(t, f.gate.awaited())

		f.gate.set(true, true)
		go between()
		synctest.Wait()
		f.gate.set(false, false)
		require.ErrorIs(t, <-acted, ErrStandingBy, "another replica places it")
	})
}
