package hostcmd

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// linked returns the part of p for a host that has old, and rest the one with files of
// these numbers.
func (p payload) linked(t testing.TB, old payload) payload {
	t.Helper()
	links, _ := archive.Links(p.files(t), old.files(t))
	return p.part(t, Linked, archive.Part{Release: Place(old.release.Version), Links: links})
}

// patched is linked, with large files made of those that old has.
func (p payload) patched(t testing.TB, old payload) payload {
	t.Helper()
	links, _ := archive.Links(p.files(t), old.files(t))
	patches, _, err := archive.Patches(t.Context(), p.files(t), old.files(t), links,
		archive.Whole{Codec: archive.Gzip, Data: bytes.NewReader(p.data)}, archive.Whole{Codec: archive.Gzip, Data: bytes.NewReader(old.data)})
	require.NoError(t, err)
	require.NotEmpty(t, patches)
	return p.part(t, Linked, archive.Part{Release: Place(old.release.Version), Links: links, Patches: patches})
}

func (p payload) rest(t testing.TB, lacks Lacks) payload {
	t.Helper()
	return p.part(t, Rest, archive.Part{Leave: func(n int) bool { return !lacks.Has(n) }})
}

// plain is the whole, with each file in its place.
func (p payload) plain(t testing.TB) payload {
	t.Helper()
	v := p.release.Version
	return p.part(t, Plain, archive.Part{Codec: archive.None, Place: archive.Place{Tree: Place(v), Manifest: Listing(v)}})
}

func (p payload) part(t testing.TB, how How, part archive.Part) payload {
	t.Helper()
	var out bytes.Buffer
	beside := archive.Place{Tree: Tree(p.release.Version), Manifest: Listing(p.release.Version), Beside: Beside}
	part.Codec, part.Place, part.Manifest = cmp.Or(part.Codec, p.summary.Codec), cmp.Or(part.Place, beside), p.manifest
	s, err := archive.WritePart(t.Context(), bytes.NewReader(p.data), p.summary, part, &out)
	require.NoError(t, err)
	p.bundle, p.data = bundleOf(how, s), out.Bytes()
	return p
}

func (p payload) files(t testing.TB) []archive.File {
	t.Helper()
	files, err := archive.ParseManifest(bytes.NewReader(p.manifest), archive.DefaultLimits())
	require.NoError(t, err)
	return files
}

// shared is what v1 and v2 have in common in these tests.
func shared(more ...string) map[string]string {
	files := map[string]string{"lib/a": "a", "lib/b": "b", "bin/c  d": "c", "ünï/日本": "y", "-rf": "r", "$(x) 'q'": "q", "odd\\n": "o"}
	for _, name := range more {
		files[name] = "more"
	}
	return files
}

func (h *host) inode(path string) uint64 {
	h.t.Helper()
	info, err := os.Lstat(h.below(path))
	require.NoError(h.t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// ship stages a whole package and switches to it.
func (h *host) ship(token uint64, p payload) {
	h.t.Helper()
	a := h.stage(fence(token), p)
	require.NoError(h.t, a.err, a.stderr)
	h.must(Switch(fence(token), p.release, "dep-"+p.release.Version))
}

func TestWhatDidNotChangeIsLinked(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v1, v2 := pack(t, "v1", shared("gone")), pack(t, "v2", shared("lib/new"))
		h.ship(1, v1)
		a := h.must(Probe(fence(2), v2.release))
		base, found := a.Base()
		require.True(t, found)
		require.Equal(t, Base{"v1", v1.bundle.Manifest}, base)

		a = h.stage(fence(2), v2.linked(t, v1))
		require.NoError(t, a.err, a.stderr)
		require.Empty(t, a.stderr)
		require.Empty(t, a.All(KeyLacks))
		require.Equal(t, []string{"transfer", "verify", "unpack"}, a.All(KeyStep))
		for name := range shared() {
			same := h.inode("releases/v1/"+name) == h.inode("releases/v2/"+name)
			require.Equal(t, name != "odd\\n", same, "%q: a name that no manifest lists is sent", name)
		}
		require.NotEqual(t, h.inode("releases/v1/VERSION"), h.inode("releases/v2/VERSION"))
		require.NoFileExists(t, h.below("releases/v2/gone"))
		require.NoDirExists(t, h.below("releases/v2/.slipway"))
		h.requireStageCleared()
		manifest, err := os.ReadFile(h.below(".slipway/manifests/v2"))
		require.NoError(t, err)
		require.Equal(t, string(v2.manifest), string(manifest))
		h.must(Switch(fence(2), v2.release, "d"))
		h.requireCurrent("v2")

		// And the manifest can be had back.
		a = h.must(Manifest(base2(v2)))
		require.Equal(t, string(v2.manifest), strings.Join(a.All(KeyFile), "\n")+"\n")
		require.Empty(t, h.must(Manifest(v2.release.Base, "v9")).Results)
	})
}

func base2(p payload) (string, string) { return p.release.Base, p.release.Version }

func TestWhatWasChangedOnTheHostIsNeverShared(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v1 := pack(t, "v1", shared())
		v2 := pack(t, "v2", shared("tail"))
		for name, spoil := range map[string]func(path string) error{
			"content": func(path string) error { return os.WriteFile(path, []byte("X"), 0o644) },
			"mode":    func(path string) error { return os.Chmod(path, 0o600) },
			"owner":   func(path string) error { return os.Chown(path, 1, 0) },
			"group":   func(path string) error { return os.Chown(path, 0, 1) },
			"gone":    os.Remove,
			"a link": func(path string) error {
				return errorsOf(os.Remove(path), os.Symlink("../VERSION", path))
			},
			"a directory": func(path string) error { return errorsOf(os.Remove(path), os.Mkdir(path, 0o755)) },
		} {
			t.Run(name, func(t *testing.T) {
				h := newHost(t, h.userland)
				h.ship(1, v1)
				require.NoError(t, spoil(h.below("releases/v1/lib/b")))
				a := h.stage(fence(2), v2.linked(t, v1))
				require.NoError(t, a.err, a.stderr)
				require.Equal(t, "no", a.value(KeyStaged))
				lacks, lacking := a.Lacks()
				require.True(t, lacking)
				require.False(t, lacks.All)
				require.Equal(t, []string{"v1"}, h.releases())
				c, err := Switch(fence(2), v2.release, "d")
				h.fails(ErrIncomplete, c, err)

				a = h.stage(fence(2), v2.rest(t, lacks))
				require.NoError(t, a.err, a.stderr)
				require.Equal(t, "yes", a.value(KeyStaged), a.Results)
				content, err := os.ReadFile(h.below("releases/v2/lib/b"))
				require.NoError(t, err)
				require.Equal(t, "b", string(content))
				info, err := os.Stat(h.below("releases/v2/lib/b"))
				require.NoError(t, err)
				require.Equal(t, os.FileMode(0o644), info.Mode())
				require.Zero(t, info.Sys().(*syscall.Stat_t).Uid+info.Sys().(*syscall.Stat_t).Gid)
				if name == "content" { // the other release keeps what was made of it
					content, err = os.ReadFile(h.below("releases/v1/lib/b"))
					require.NoError(t, err)
					require.Equal(t, "X", string(content))
				}
			})
		}
	})
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestATransferThatWasCutGoesOn(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		files := map[string]string{}
		for i := range 20 {
			files[fmt.Sprintf("dir/%02d", i)] = string(noise(1 << 16))
		}
		old, p := pack(t, "v1", nil), pack(t, "v2", files)
		h.ship(1, old)
		cut := p
		cut.data = p.data[:len(p.data)*2/3]
		require.ErrorIs(t, h.stage(fence(2), cut).err, ErrChecksum)
		require.Equal(t, []string{"v1"}, h.releases())

		a := h.must(Probe(fence(3), p.release))
		require.Equal(t, "yes", a.value(KeyBegun))
		a = h.stage(fence(3), p.rest(t, Lacks{}))
		require.NoError(t, a.err, a.stderr)
		lacks, lacking := a.Lacks()
		require.True(t, lacking)
		require.False(t, lacks.All)
		rest := p.rest(t, lacks)
		require.Less(t, len(rest.data), len(p.data)/2, "what came before is not sent again")
		a = h.stage(fence(3), rest)
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, "yes", a.value(KeyStaged), a.Results)
		h.requireStageCleared()
		require.FileExists(t, h.below(".slipway/since/v2"))
		for name, content := range files {
			got, err := os.ReadFile(h.below("releases/v2", name))
			require.NoError(t, err)
			require.Equal(t, content, string(got), name)
		}
	})
}

func TestWhatWasBegunOfAnotherReleaseIsOfNoUse(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pack(t, "v2", shared())
		cut := p
		cut.data = p.data[:len(p.data)-1]
		require.ErrorIs(t, h.stage(fence(2), cut).err, ErrChecksum)
		other := pack(t, "v2", shared("more"))
		other.release.Digest = digestOf("other")
		a := h.stage(fence(3), other.rest(t, Lacks{}))
		require.NoError(t, a.err, a.stderr)
		lacks, _ := a.Lacks()
		require.True(t, lacks.All)

		// What lies there too much makes it another release as well.
		require.NoError(t, os.WriteFile(h.below(".slipway/stage/tree/v2/planted"), nil, 0o644))
		a = h.stage(fence(4), p.rest(t, Lacks{All: true}))
		require.NoError(t, a.err, a.stderr)
		lacks, _ = a.Lacks()
		require.True(t, lacks.All)
		require.Empty(t, h.releases())
		require.NoError(t, h.stage(fence(5), p).err)
		require.NoFileExists(t, h.below("releases/v2/planted"))
	})
}

// TestFilesAreSharedBelowInodesWhereThatCanBe stands a cp in for that of a file system
// which shares blocks: none of those here does.
func TestFilesAreSharedBelowInodesWhereThatCanBe(t *testing.T) {
	for _, land := range userlands(t)[:2] {
		h := newHost(t, land)
		v1, v2 := pack(t, "v1", shared()), pack(t, "v2", shared())
		h.ship(1, v1)
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cp"), []byte("#!/bin/sh\nfor a; do shift; [ \"$a\" = --reflink=always ] || set -- \"$@\" \"$a\"; done\nexec /bin/cp \"$@\"\n"), 0o755))
		h.path = dir + ":" + h.path
		a := h.stage(fence(2), v2.linked(t, v1))
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, "yes", a.value(KeyStaged), a.Results)
		require.NotEqual(t, h.inode("releases/v1/lib/a"), h.inode("releases/v2/lib/a"))
		require.NoError(t, os.WriteFile(h.below("releases/v2/lib/a"), []byte("X"), 0o644))
		content, err := os.ReadFile(h.below("releases/v1/lib/a"))
		require.NoError(t, err)
		require.Equal(t, "a", string(content))
	}
}

func TestAHostWithoutTheToolsSharesNothing(t *testing.T) {
	h := newHost(t, userlands(t)[0])
	h.ship(1, pack(t, "v1", shared()))
	h.path = without(t, "awk")
	a := h.must(Probe(fence(2), pack(t, "v2", nil).release))
	require.Empty(t, a.All(KeyBase))
}

// without returns a path with all programs but one.
func without(t *testing.T, tool string) string {
	t.Helper()
	path := t.TempDir()
	for _, dir := range []string{"/bin", "/usr/bin"} {
		programs, err := os.ReadDir(dir)
		require.NoError(t, err)
		for _, p := range programs {
			if p.Name() != tool {
				_ = os.Symlink(filepath.Join(dir, p.Name()), filepath.Join(path, p.Name()))
			}
		}
	}
	return path
}

func TestAHostWithZstdIsSentThat(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v1, v2 := pack(t, "v1", shared()), pack(t, "v2", shared("more"))
		a := h.must(Probe(fence(1), v1.release))
		if h.name == "busybox" {
			require.Empty(t, a.All(KeyCodec))
			c, err := Stage(fence(1), v1.release, v1.in(t, archive.Zstd).bundle, "d")
			h.fails(ErrMissingTool, c, err)
			return
		}
		require.Equal(t, "zstd", a.value(KeyCodec), "apt-get install zstd")
		v1, v2 = v1.in(t, archive.Zstd), v2.in(t, archive.Zstd)
		cut := v1
		cut.data = v1.data[:len(v1.data)-1]
		require.ErrorIs(t, h.stage(fence(1), cut).err, ErrChecksum)
		h.ship(1, v1)
		a = h.stage(fence(2), v2.linked(t, v1))
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, "yes", a.value(KeyStaged))
		require.Equal(t, h.inode("releases/v1/lib/a"), h.inode("releases/v2/lib/a"))
	})
}

// in returns the payload in another compression.
func (p payload) in(t testing.TB, codec archive.Codec) payload {
	t.Helper()
	var out bytes.Buffer
	s, err := archive.Recode(t.Context(), bytes.NewReader(p.data), p.summary, codec, &out)
	require.NoError(t, err)
	p.summary, p.bundle, p.data = s, bundleOf(Whole, s), out.Bytes()
	return p
}

func TestALargeFileIsMadeOfWhatItWas(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		before := noise(2 << 20)
		after := slices.Concat([]byte("more"), before[:1<<20], before[1<<20+5:], []byte("end"))
		v1 := pack(t, "v1", map[string]string{"lib/it's  $(big)": string(before), "small": "s"})
		v2 := pack(t, "v2", map[string]string{"lib/it's  $(big)": string(after), "small": "s"})
		h.ship(1, v1)
		p := v2.patched(t, v1)
		require.Less(t, len(p.data), 20_000)
		a := h.stage(fence(2), p)
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, "yes", a.value(KeyStaged), a.Results)
		got, err := os.ReadFile(h.below("releases/v2/lib/it's  $(big)"))
		require.NoError(t, err)
		require.True(t, bytes.Equal(after, got))
		info, err := os.Stat(h.below("releases/v2/lib/it's  $(big)"))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o644), info.Mode())
		require.NoDirExists(t, h.below("releases/v2/.slipway"))

		// What it is made of was changed on the host.
		require.NoError(t, os.WriteFile(h.below("releases/v1/lib/it's  $(big)"), []byte("X"), 0o644))
		v3 := v2
		v3.release.Version = "v3"
		a = h.stage(fence(3), v3.patched(t, v1))
		require.NoError(t, a.err, a.stderr)
		lacks, lacking := a.Lacks()
		require.True(t, lacking)
		require.False(t, lacks.All)
		a = h.stage(fence(3), v3.rest(t, lacks))
		require.Equal(t, "yes", a.value(KeyStaged), a.Results)
		got, err = os.ReadFile(h.below("releases/v3/lib/it's  $(big)"))
		require.NoError(t, err)
		require.True(t, bytes.Equal(after, got))
	})
}

func TestNothingIsLeftOfWhatWasBegunOnceAnotherIsStaged(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		v1 := pack(t, "v1", shared())
		h.ship(1, v1)
		p := pack(t, "v2", map[string]string{"lib/a": "a", "noise": string(noise(1 << 20))}).linked(t, v1)
		p.data = p.data[:len(p.data)/2]
		require.ErrorIs(t, h.stage(fence(2), p).err, ErrChecksum)
		require.FileExists(t, h.below(Listing("v2")), "it came first")
		require.FileExists(t, h.below(".slipway/since/v2"))
		require.NoError(t, h.stage(fence(3), pack(t, "v3", nil)).err)
		h.requireStageCleared()

		// One that ended before anything came.
		h.must(Probe(fence(4), p.release))
		require.NoError(t, os.WriteFile(h.below(".slipway/stage/of"), []byte("v2 "+p.release.Digest+"\n"), 0o644))
		require.NoError(t, os.WriteFile(h.below(".slipway/since/v2"), nil, 0o644))
		require.NoError(t, h.stage(fence(4), pack(t, "v4", nil)).err)
		h.requireStageCleared()
	})
}
