package store

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir/datadirtest"
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

			datadirtest.AsOrdinaryUser(t, func() { err = checkFiles(t.Context(), dir) })
			require.ErrorIs(t, err, datadir.ErrNotWritable)
			require.ErrorContains(t, err, "to uid")
		})
	}
}
