package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

func TestConfigurationMistakesAreRefusedByNew(t *testing.T) {
	dir := t.TempDir()
	for name, cfg := range map[string]store.Config{
		"no directory":                   {},
		"directory that FerretDB breaks": {Dir: dir + "/50%25"},
		"all interfaces":                 {Dir: dir, Listen: "0.0.0.0:27017"},
		"no host":                        {Dir: dir, Listen: ":27017"},
		"other interface":                {Dir: dir, Listen: "192.0.2.1:27017"},
		"host by name":                   {Dir: dir, Listen: "example.com:27017"},
		"no port":                        {Dir: dir, Listen: "127.0.0.1"},
		"relative socket":                {Dir: dir, Listen: "unix:store.sock"},
		"socket by another name":         {Dir: dir, Listen: "unix:/tmp/store"},
		"socket path too long":           {Dir: dir, Listen: "unix:/" + strings.Repeat("x", 100) + ".sock"},
		"collections without database":   {Dir: dir, Collections: []string{"a"}},
	} {
		_, err := store.New(cfg)
		require.ErrorIs(t, err, store.ErrConfig, name)
	}
}

// runToError runs a store that is expected not to become ready.
func runToError(t *testing.T, cfg store.Config) error {
	t.Helper()
	s, err := store.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = s.Run(ctx, func() { t.Error("ready in spite of all") })
	require.Error(t, err)
	require.NoError(t, ctx.Err())
	return err
}

func TestSecondStoreOnADirectoryIsRefused(t *testing.T) {
	dir := t.TempDir()
	start(t, store.Config{Dir: dir})
	err := runToError(t, store.Config{Dir: dir, Listen: "127.0.0.1:0"})
	require.ErrorIs(t, err, datadir.ErrInUse)
	require.ErrorContains(t, err, "stop that process or choose another directory")
}

func TestDirectoryThatCannotBeMadeIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorIs(t, runToError(t, store.Config{Dir: filepath.Join(file, "store")}), datadir.ErrNotWritable)
}

func TestTakenPortIsRefusedAndTheStoreCanBeStartedElsewhere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	dir := t.TempDir()
	err = runToError(t, store.Config{Dir: dir, Listen: l.Addr().String()})
	require.ErrorIs(t, err, store.ErrAddressInUse)
	require.ErrorContains(t, err, "choose another port")
	start(t, store.Config{Dir: dir, Listen: "127.0.0.1:0"})
}

func TestSocketOfALivingProcessStaysAndThatOfADeadOneIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "other.sock")
	cfg := store.Config{Dir: filepath.Join(dir, "data"), Listen: "unix:" + path}

	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	require.ErrorIs(t, runToError(t, cfg), store.ErrAddressInUse)

	l.SetUnlinkOnClose(false) // as a killed process leaves it
	require.NoError(t, l.Close())
	_, stop := start(t, cfg)
	stop()

	require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
	require.ErrorIs(t, runToError(t, cfg), store.ErrAddressInUse)
	require.FileExists(t, path)
}

// fill makes a database of many pages and returns its file.
func fill(t *testing.T, cfg store.Config) (file string) {
	t.Helper()
	s, stop := start(t, cfg)
	client, leave := connect(t, s.URI())
	var docs []any
	for i := range 500 {
		docs = append(docs, bson.M{"_id": fmt.Sprint(i), "text": strings.Repeat("x", 2000)})
	}
	_, err := client.Database("slipway").Collection("targets").InsertMany(t.Context(), docs)
	require.NoError(t, err)
	leave()
	stop()
	return filepath.Join(cfg.Dir, "slipway.sqlite")
}

func TestDamagedFileIsRefusedWithAdviceThatWorks(t *testing.T) {
	for name, damage := range map[string]func(*testing.T, string){
		"overwritten start": func(t *testing.T, file string) { overwrite(t, file, 0, 200) },
		"overwritten page":  func(t *testing.T, file string) { overwrite(t, file, 40*4096, 4096) },
		"cut in half":       func(t *testing.T, file string) { require.NoError(t, os.Truncate(file, 50*4096)) },
		"not a database": func(t *testing.T, file string) {
			require.NoError(t, os.WriteFile(file, bytes.Repeat([]byte("hello "), 1000), 0o600))
		},
		"somebody else's database": func(t *testing.T, file string) {
			require.NoError(t, os.Remove(file))
			execute(t, file, `CREATE TABLE theirs (x)`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := store.Config{Dir: t.TempDir()}
			file := fill(t, cfg)
			damage(t, file)
			err := runToError(t, cfg)
			require.ErrorIs(t, err, store.ErrDamaged)
			require.ErrorContains(t, err, file)
			require.ErrorContains(t, err, "move the file away together with its -wal and -shm files and start again")

			for _, suffix := range []string{"", "-wal", "-shm"} {
				_ = os.Rename(file+suffix, file+suffix+".moved")
			}
			start(t, cfg)
		})
	}
}

func TestFileThatIsDamagedInUseEndsTheStore(t *testing.T) {
	cfg := store.Config{Dir: t.TempDir()}
	file := fill(t, cfg)
	s, err := store.New(cfg)
	require.NoError(t, err)
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ready := make(chan struct{})
	go func() { ended <- s.Run(ctx, func() { close(ready) }) }()
	<-ready
	overwrite(t, file, 40*4096, 20*4096)
	client, leave := connect(t, s.URI())
	defer leave()
	_, err = client.Database("slipway").Collection("targets").CountDocuments(ctx, bson.M{"a": 1})
	require.Error(t, err)
	err = <-ended
	require.ErrorIs(t, err, store.ErrDamaged)
	require.ErrorContains(t, err, "move the file away")
}

func TestWhatAKilledProcessLeftHalfDoneIsCleared(t *testing.T) {
	for name, leave := range map[string]func(*testing.T, string){
		"table without entry": func(t *testing.T, file string) {
			execute(t, file, `DELETE FROM _ferretdb_collections`)
		},
		"entry without settings": func(t *testing.T, file string) {
			execute(t, file, `UPDATE _ferretdb_collections SET settings = '{}'`)
		},
		"no catalogue": func(t *testing.T, file string) {
			require.NoError(t, os.Truncate(file, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := store.Config{Dir: t.TempDir()}
			file := fill(t, cfg)
			leave(t, file)

			cfg.Database, cfg.Collections = "slipway", []string{"targets"}
			s, _ := start(t, cfg)
			client, _ := connect(t, s.URI())
			c := client.Database("slipway").Collection("targets")
			n, err := c.CountDocuments(t.Context(), bson.M{})
			require.NoError(t, err)
			require.Zero(t, n)
			_, err = c.InsertOne(t.Context(), bson.M{"_id": "1"})
			require.NoError(t, err)
		})
	}
}

func overwrite(t *testing.T, file string, offset, n int64) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	require.Greater(t, info.Size(), offset+n, "the damage must lie within the file")
	_, err = f.WriteAt(bytes.Repeat([]byte{0xa5}, int(n)), offset)
	require.NoError(t, err)
}

func execute(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	require.NoError(t, err)
	defer db.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = db.ExecContext(ctx, statement)
	require.NoError(t, err)
}
