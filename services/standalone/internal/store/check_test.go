package store

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
)

func TestFileThatMayNotBeWrittenIsRefused(t *testing.T) {
	for name, mode := range map[string]os.FileMode{"only read": 0o444, "not even read": 0} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755)) // nobody may come as far as dir
			require.NoError(t, os.Chmod(dir, 0o777))
			file := filepath.Join(dir, "slipway"+fileExtension)
			require.NoError(t, os.WriteFile(file, nil, 0o600))
			db, err := openFile(file)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), `CREATE TABLE `+catalogue+` (name TEXT, table_name TEXT, settings TEXT)`)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			require.NoError(t, os.Chmod(file, mode))

			asOrdinaryUser(t, func() { err = checkFiles(t.Context(), dir) })
			require.ErrorIs(t, err, datadir.ErrNotWritable)
			require.ErrorContains(t, err, "to uid")
		})
	}
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
