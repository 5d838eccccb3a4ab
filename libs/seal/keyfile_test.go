package seal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/seal"
)

func TestAKeyFileIsMadeOnceForItsOwnerAlone(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "seal.key")
	key, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, key.Reveal()+"\n", string(text))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing temporary is left")

	again, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
	require.Equal(t, key, again)
}

func TestCallersAtOnceGetTheSameKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	keys, errs := make([]seal.Keys, 16), make([]error, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i], errs[i] = seal.LoadOrCreateKeyFile(path) })
	}
	all.Wait()
	for i := range keys {
		require.NoError(t, errs[i])
		require.Equal(t, keys[0].Reveal(), keys[i].Reveal())
	}
}

func TestAKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	_, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o601, 0o777} {
		require.NoError(t, os.Chmod(path, mode))
		_, err = seal.LoadOrCreateKeyFile(path)
		require.ErrorIs(t, err, seal.ErrKeyFile)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, "chmod 600")
	}
	require.NoError(t, os.Chmod(path, 0o400))
	_, err = seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
}

func TestADamagedKeyFileIsRefusedAndKept(t *testing.T) {
	for _, text := range []string{"", "slipway-seal-private-half", "something else"} {
		path := filepath.Join(t.TempDir(), "seal.key")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := seal.LoadOrCreateKeyFile(path)
		require.ErrorIs(t, err, seal.ErrKeyFile)
		require.ErrorIs(t, err, seal.ErrKey)
		require.ErrorContains(t, err, "backup")
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
}

func TestAPathWhereNoKeyFileCanBeIsAnError(t *testing.T) {
	_, err := seal.LoadOrCreateKeyFile(t.TempDir())
	require.ErrorIs(t, err, seal.ErrKeyFile)
	require.ErrorContains(t, err, "not a plain file")

	missing := filepath.Join(t.TempDir(), "missing")
	_, err = seal.LoadOrCreateKeyFile(filepath.Join(missing, "seal.key"))
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, missing)
}

func TestAKeyIsAddedBeforeTheOthersAndAnOlderOneIsDropped(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "seal.key")
	_, err := seal.AddKey(path)
	require.ErrorIs(t, err, fs.ErrNotExist, "there is nothing to replace")
	first, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
	secret, err := first.Public().Seal(here, []byte("s3cret"))
	require.NoError(t, err)
	second, err := seal.AddKey(path)
	require.NoError(t, err)
	require.Equal(t, first.IDs(), second.IDs()[1:])
	require.Equal(t, second.IDs()[0], second.Public().ID())
	loaded, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
	require.Equal(t, second, loaded)
	clear, err := loaded.Open(here, secret)
	require.NoError(t, err)
	require.Equal(t, "s3cret", string(clear))

	for _, id := range []string{second.IDs()[0], "00000000", ""} {
		_, err = seal.DropKey(path, id)
		require.ErrorIs(t, err, seal.ErrNoKey, "the newest stays")
	}
	left, err := seal.DropKey(path, first.IDs()[0])
	require.NoError(t, err)
	require.Equal(t, second.IDs()[:1], left.IDs())
	_, err = left.Open(here, secret)
	require.ErrorIs(t, err, seal.ErrOtherKey)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing temporary is left")
}

func TestKeysThatAreAddedAtOnceAreAllThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seal.key")
	_, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
	var all sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		all.Go(func() { _, errs[i] = seal.AddKey(path) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	keys, err := seal.LoadOrCreateKeyFile(path)
	require.NoError(t, err)
	require.Len(t, keys.IDs(), 17)
}
