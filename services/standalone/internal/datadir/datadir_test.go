package datadir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir/datadirtest"
)

func TestTakeMakesAPrivateDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	claim, err := datadir.Take(dir)
	require.NoError(t, err)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, claim.Release())
}

func TestSecondClaimIsRefusedAndNamesTheOwner(t *testing.T) {
	dir := t.TempDir()
	first, err := datadir.Take(dir)
	require.NoError(t, err)

	_, err = datadir.Take(dir)
	require.ErrorIs(t, err, datadir.ErrInUse)
	require.ErrorContains(t, err, fmt.Sprintf("in use by process %d: stop that process or choose another directory", os.Getpid()))

	require.NoError(t, first.Release())
	second, err := datadir.Take(dir)
	require.NoError(t, err, "a released directory can be claimed again")
	require.NoError(t, second.Release())
}

func TestPathBelowAFileIsNotWritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := datadir.Take(filepath.Join(file, "data"))
	require.ErrorIs(t, err, datadir.ErrNotWritable)
	require.ErrorContains(t, err, "choose another directory")
}

func TestReadOnlyDirectoryIsNotWritable(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // nobody may come as far as dir
	require.NoError(t, os.Chmod(dir, 0o555))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	datadirtest.AsOrdinaryUser(t, func() {
		_, err := datadir.Take(dir)
		require.ErrorIs(t, err, datadir.ErrNotWritable)
		require.ErrorContains(t, err, "permission denied")
	})
}
