package datadir_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
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
	asOrdinaryUser(t, func() {
		_, err := datadir.Take(dir)
		require.ErrorIs(t, err, datadir.ErrNotWritable)
		require.ErrorContains(t, err, "permission denied")
	})
}

// asOrdinaryUser runs f with the file permissions of nobody when the test runs as root, whom no mode bits stop. The
// file system identity belongs to the thread, so f must not leave its goroutine.
func asOrdinaryUser(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0)
	require.Zero(t, errno)
	defer func() { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0) }()
	f()
}
