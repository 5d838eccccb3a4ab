package hostcmd

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var sharing = Shared{Files: []string{".env", "config/deep/app.yml"}, Directories: []string{"log", "public/uploads"}}

// stageShared stages v2, whose package has something in the places of what is shared.
func (h *host) stageShared(token uint64) {
	h.t.Helper()
	p := pack(h.t, "v2", map[string]string{".env": "package", "log/old": "package", "config/other": "kept", "public/index": "kept"})
	a := h.stage(fence(token), p)
	require.NoError(h.t, a.err, a.stderr)
	require.NoError(h.t, os.MkdirAll(h.below("shared/config/deep"), 0o755))
	require.NoError(h.t, os.MkdirAll(h.below("shared/log"), 0o755))
	for file, content := range map[string]string{".env": "secret", "config/deep/app.yml": "a: 1", "log/app.log": "old"} {
		require.NoError(h.t, os.WriteFile(h.below("shared", file), []byte(content), 0o600))
	}
}

// requireShared looks through the links of a release at what is shared, and at what
// of the package stays.
func (h *host) requireShared(version string) {
	h.t.Helper()
	for file, want := range map[string]string{
		".env": "secret", "config/deep/app.yml": "a: 1", "log/app.log": "old", "config/other": "kept", "public/index": "kept", "VERSION": version,
	} {
		content, err := os.ReadFile(h.below("releases", version, file))
		require.NoError(h.t, err, file)
		require.Equal(h.t, want, string(content), file)
	}
	require.NoFileExists(h.t, h.below("releases", version, "log/old"), "what the package has there gives way")
	for _, linked := range append(sharing.Files, sharing.Directories...) {
		to, err := filepath.EvalSymlinks(h.below("releases", version, linked))
		require.NoError(h.t, err)
		want, err := filepath.EvalSymlinks(h.below("shared", linked))
		require.NoError(h.t, err)
		require.Equal(h.t, want, to)
		text, err := os.Readlink(h.below("releases", version, linked))
		require.NoError(h.t, err)
		require.False(h.t, filepath.IsAbs(text), "the application may be moved: %s", text)
	}
	require.NoFileExists(h.t, h.below(".slipway/next/aside"))
	require.NoDirExists(h.t, h.below(".slipway/next/aside"))
}

func TestWhatIsSharedIsLinkedIntoARelease(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.stageShared(1)
		h.must(Share(fence(1), base, "v2", sharing))
		h.requireShared("v2")
		require.DirExists(t, h.below("shared/public/uploads"), "a directory is made")
		h.must(Share(fence(1), base, "v2", sharing))
		h.requireShared("v2")
		p := pack(t, "v2", nil)
		h.must(Switch(fence(1), p.release, "d"))
		require.Empty(t, h.must(Inspect(base)).All(KeyDrifted), "what gave way is not gone")
		require.NoError(t, os.Remove(h.below("current/config/other")))
		version, files := h.must(Inspect(base)).Drifted()
		require.Equal(t, []any{"v2", 1}, []any{version, files})
		require.NoError(t, os.WriteFile(h.below("current/log/app.log"), []byte("new"), 0o600))
		require.Equal(t, "new", read(t, h.below("shared/log/app.log")))
	})
}

func TestALinkedFileThatIsMissingChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.stageShared(1)
		require.NoError(t, os.Remove(h.below("shared/.env")))
		require.NoError(t, os.Symlink("nowhere", h.below("shared/.env")))
		c, err := Share(fence(1), base, "v2", Shared{Files: []string{".env", "config/deep/app.yml", "b c"}, Directories: []string{"log"}})
		a := h.fails(ErrNotShared, c, err)
		require.Equal(t, "a linked file is missing: not in ./apps/web/shared: .env b c", a.err.Error())
		require.Equal(t, "package", read(t, h.below("releases/v2/.env")))
		require.Equal(t, "package", read(t, h.below("releases/v2/log/old")))
	})
}

func TestNothingIsLinkedThroughALinkOfThePackage(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.stageShared(1)
		require.NoError(t, os.Symlink("../../..", h.below("releases/v2/out")))
		c, err := Share(fence(1), base, "v2", Shared{Directories: []string{"out/evil"}})
		h.fails(ErrNotWritable, c, err)
		require.NoFileExists(t, filepath.Join(h.home, "evil"))
		c, err = Share(fence(1), base, "v9", sharing)
		h.fails(ErrIncomplete, c, err)
	})
}

// TestLinkedNamesNeverRun links paths made of what shells act on.
func TestLinkedNamesNeverRun(t *testing.T) {
	lands := userlands(t)
	lives := canary(t, lands)
	token := uint64(1)
	var hosts []*host
	for _, land := range lands {
		h := newHost(t, land)
		h.stageShared(token)
		hosts = append(hosts, h)
	}
	first := func(name string) string { return strings.SplitN(name, "/", 2)[0] }
	name := rapid.Custom(func(t *rapid.T) string { return strings.ReplaceAll(text("/", "a/b").Draw(t, "path"), "//", "/") }).Filter(func(name string) bool {
		return validateInside(name) == nil && len(name) <= 100 && first(path.Clean(name)) != "VERSION"
	})
	rapid.Check(t, func(rt *rapid.T) {
		h := rapid.SampledFrom(hosts).Draw(rt, "host")
		linked := rapid.SliceOfNDistinct(name, 1, 5, func(name string) string { return first(path.Clean(name)) }).Draw(rt, "paths")
		token++
		c, err := Share(fence(token), base, "v2", Shared{Directories: linked})
		require.NoError(rt, err)
		a := h.run(c, nil)
		require.NoError(rt, a.err, a.stderr)
		for _, name := range linked {
			to, err := filepath.EvalSymlinks(h.below("releases/v2", name))
			require.NoError(rt, err)
			want, err := filepath.EvalSymlinks(h.below("shared", name))
			require.NoError(rt, err)
			require.Equal(rt, want, to)
			require.NoError(rt, os.RemoveAll(h.below("releases/v2", first(path.Clean(name)))))
			require.NoError(rt, os.RemoveAll(h.below("shared", first(path.Clean(name)))))
		}
		require.ElementsMatch(rt, []string{".slipway", "apps"}, names(t, h.home))
	})
	require.True(t, lives(), "something was executed")
}

func TestWhatCannotBeSharedIsRefused(t *testing.T) {
	for _, bad := range []string{"", ".", "..", "../x", "/x", "a/../../b", "a//b", "a/", "a\nb", "a\x00", "\xff", strings.Repeat("x", 1025)} {
		_, err := Share(fence(1), base, "v1", Shared{Files: []string{bad}})
		require.ErrorIs(t, err, ErrInvalid, "%q", bad)
	}
}

func TestAReleaseOnTrialIsNotRolledBackTo(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		v2, v3 := pack(t, "v2", nil), pack(t, "v3", nil)
		require.NoError(t, h.stage(fence(2), v2).err)
		require.Equal(t, []Result{{KeyPrevious, "v1"}, {KeyCurrent, "v2"}}, h.must(Try(fence(2), v2.release, "d2")).Results)
		require.NoError(t, h.stage(fence(3), v3).err)
		h.must(Try(fence(3), v3.release, "d3"))
		h.must(Prove(fence(3), base, "v2", "d2")) // v3 runs: too late
		h.must(Prove(fence(3), base, "v3", "d3"))
		a := h.rollback(4, "v3", "")
		require.NoError(t, a.err)
		require.Equal(t, "v1", a.value(KeyCurrent), "v2 was never proven")
	})
}
