package settings_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/settings"
)

func TestWhatIsSavedIsLoadedAndOnlyTheOwnerMayReadIt(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	none, err := settings.Load()
	require.NoError(t, err)
	require.Zero(t, none)

	path, err := settings.Save(settings.Settings{URL: "http://a", Token: "one"})
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o644)) // as an older program or an editor may have left it
	path, err = settings.Save(settings.Settings{URL: "http://b", Token: "two"})
	require.NoError(t, err)

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	dir, err := os.Stat(filepath.Dir(path))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), dir.Mode().Perm())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing else is left there")

	got, err := settings.Load()
	require.NoError(t, err)
	require.Equal(t, settings.Settings{URL: "http://b", Token: "two"}, got)
}

func TestWhereItIsKept(t *testing.T) {
	for name, c := range map[string]struct{ xdg, home, want string }{
		"XDG":            {"/x", "/h", "/x/slipway/config.json"},
		"home":           {"", "/h", "/h/.config/slipway/config.json"},
		"a relative XDG": {"x", "/h", "/h/.config/slipway/config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CONFIG_HOME", c.xdg)
			t.Setenv("HOME", c.home)
			path, err := settings.Path()
			require.NoError(t, err)
			require.Equal(t, c.want, path)
		})
	}
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("HOME", "")
	_, err := settings.Load()
	require.ErrorIs(t, err, settings.ErrNoHome)
}

func TestADamagedFileIsSaidSoWithoutItsContent(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	path, err := settings.Save(settings.Settings{URL: "http://a", Token: "secret"})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(`{"token": "secret", oops`), 0o600))
	_, err = settings.Load()
	require.ErrorIs(t, err, settings.ErrDamaged)
	require.ErrorContains(t, err, path)
	require.NotContains(t, err.Error(), "secret")
}

func TestADirectoryThatCannotBeWrittenLeavesWhatWasThere(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(t.TempDir(), "a-file"))
	require.NoError(t, os.WriteFile(os.Getenv("XDG_CONFIG_HOME"), []byte("x"), 0o600))
	_, err := settings.Save(settings.Settings{URL: "http://a", Token: "secret"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
}
