package hostcmd

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeployFromNothing(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pack(t, "v1", map[string]string{"bin/app": "x", "ünï/日本": "y"})
		a := h.must(Probe(fence(1), p.release))
		require.Equal(t, "no", a.value(KeyStaged))
		require.Empty(t, a.All(KeyCurrent))

		a = h.stage(fence(1), p)
		require.NoError(t, a.err, a.stderr)
		require.Empty(t, a.stderr)
		require.Equal(t, []string{"transfer", "verify", "unpack"}, a.All(KeyStep))
		require.Equal(t, "yes", a.value(KeyStaged))
		h.requireStageCleared()
		require.NoFileExists(t, h.below("current"))
		content, err := os.ReadFile(h.below("releases/v1/ünï/日本"))
		require.NoError(t, err)
		require.Equal(t, "y", string(content))
		marker, err := os.ReadFile(h.below(".slipway/releases/v1"))
		require.NoError(t, err)
		require.Regexp(t, "^digest="+p.release.Digest+"\nmanifest="+p.bundle.Manifest+"\ndeployment=dep-v1\n$", string(marker))

		a = h.must(Switch(fence(1), p.release, "dep-v1"))
		require.Equal(t, []Result{{KeyPrevious, ""}, {KeyCurrent, "v1"}}, a.Results)
		h.requireCurrent("v1")

		a = h.must(Probe(fence(1), p.release))
		require.Equal(t, []Result{{KeyCurrent, "v1"}, {KeyStaged, "yes"}}, a.Results)
	})
}

func TestStagedReleaseIsNotStagedAgain(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		p := pack(t, "v1", nil)
		require.NoError(t, h.stage(fence(1), p).err)
		before, err := os.Stat(h.below("releases/v1"))
		require.NoError(t, err)

		p.data = nil // nothing is read
		a := h.stage(fence(2), p)
		require.NoError(t, a.err, a.stderr)
		require.Equal(t, []Result{{KeyStaged, "yes"}}, a.Results)
		after, err := os.Stat(h.below("releases/v1"))
		require.NoError(t, err)
		require.True(t, os.SameFile(before, after))
	})
}

func TestSameVersionWithOtherContentIsAConflict(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		p := pack(t, "v1", map[string]string{"other": "content"})
		p.release.Digest = digestOf("other")
		c, err := Probe(fence(2), p.release)
		h.fails(ErrConflict, c, err)
		require.ErrorIs(t, h.stage(fence(2), p).err, ErrConflict)
		c, err = Switch(fence(2), p.release, "d")
		h.fails(ErrConflict, c, err)
		h.requireCurrent("v1")
	})
}

func TestADamagedBundleIsNoRelease(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		whole := pack(t, "v2", map[string]string{"big": string(bytes.Repeat([]byte("0123456789abcdef"), 1<<14))})
		flipped := bytes.Clone(whole.data)
		flipped[len(flipped)/2] ^= 1
		for name, data := range map[string][]byte{
			"cut in half":  whole.data[:len(whole.data)/2],
			"cut at once":  nil,
			"flipped":      flipped,
			"not gzip":     bytes.Repeat([]byte("garbage "), 1<<15),
			"another one":  pack(t, "v3", nil).data,
			"longer":       append(bytes.Clone(whole.data), "x"...),
			"appended tar": append(bytes.Clone(whole.data), whole.data...),
		} {
			p := whole
			p.data, p.bundle.Size = data, int64(len(data))
			a := h.stage(fence(2), p)
			require.ErrorIs(t, a.err, ErrChecksum, name)
			require.NotContains(t, a.All(KeyStep), "verify", name)
			require.Equal(t, []string{"v1"}, h.releases(), name)
			require.NoFileExists(t, h.below(".slipway/releases/v2"), name)
		}
		h.requireCurrent("v1")
		require.NoError(t, h.stage(fence(2), whole).err)
		h.requireStageCleared()
	})
}

func TestASmallPackageIsSentAsItLies(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		whole := pack(t, "v2", map[string]string{"bin/app": "x", "ünï/日本": "y"})
		p := whole.plain(t)
		for name, cut := range map[string]int{"nothing": 0, "a part": len(p.data) / 2, "almost all": len(p.data) - 1} {
			broken := p
			broken.data = p.data[:cut]
			require.ErrorIs(t, h.stage(fence(2), broken).err, ErrChecksum, name)
			require.NoDirExists(t, h.below("releases/v2"), name)
			require.Equal(t, []string{"v1"}, names(t, h.below(".slipway/since")), name)
		}
		changed := p
		changed.data = bytes.Replace(p.data, []byte("\x00x\x00"), []byte("\x00z\x00"), 1)
		require.NotEqual(t, p.data, changed.data)
		require.ErrorIs(t, h.stage(fence(2), changed).err, ErrChecksum)
		a := h.stage(fence(2), p)
		require.NoError(t, a.err, a.stderr)
		require.Empty(t, a.stderr)
		require.Equal(t, []string{"transfer", "verify", "unpack"}, a.All(KeyStep))
		h.requireStageCleared()
		content, err := os.ReadFile(h.below("releases/v2/ünï/日本"))
		require.NoError(t, err)
		require.Equal(t, "y", string(content))
		require.NoDirExists(t, h.below("releases/v2/.slipway"))
		h.must(Switch(fence(2), p.release, "d"))
		h.requireCurrent("v2")
		require.Empty(t, h.must(Inspect(base)).All(KeyDrifted))
	})
}

func TestNothingIsUnpackedWhereALinkLeads(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		require.NoError(t, os.RemoveAll(h.below("releases/v1")))
		p := pack(t, "v1", nil)
		a := h.stage(fence(2), p.plain(t))
		require.ErrorContains(t, a.err, "current leads to release v1, which is gone")
		require.NoDirExists(t, h.below("releases/v1"))
		require.NoError(t, h.stage(fence(2), p).err, "the whole is moved there")
		h.requireCurrent("v1")
	})
}

func TestLeftoversAreReplaced(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.deploy(1, "v1")
		for _, leftover := range []string{"releases/v2/half", ".slipway/stage/1/tree/VERSION", ".slipway/stage/7/tree/x"} {
			require.NoError(t, os.MkdirAll(h.below(filepath.Dir(leftover)), 0o755))
			require.NoError(t, os.WriteFile(h.below(leftover), nil, 0o644))
		}
		// A marker whose release is gone is no release either.
		require.NoError(t, os.WriteFile(h.below(".slipway/releases/v3"), []byte("digest="+digestOf("v3")+"\n"), 0o644))

		for _, version := range []string{"v2", "v3"} {
			p := pack(t, version, nil)
			c, err := Switch(fence(2), p.release, "d")
			h.fails(ErrIncomplete, c, err)
			a := h.must(Probe(fence(2), p.release))
			require.Equal(t, "no", a.value(KeyStaged))
			require.NoError(t, h.stage(fence(2), p).err)
		}
		h.requireCurrent("v1")
		require.NoFileExists(t, h.below("releases/v2/half"))
		h.requireStageCleared()

		// Of one whose marker is gone, nothing counts.
		require.NoError(t, os.Remove(h.below(".slipway/releases/v2")))
		h.must(Probe(fence(3), pack(t, "v2", nil).release))
		h.requireStageCleared()
		require.Equal(t, []string{"v1", "v3"}, h.releases())
	})
}

func TestWhatRunsIsNeverReplaced(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		// Put there by hand, or by another tool, in the same layout.
		require.NoError(t, os.MkdirAll(h.below("releases/v1"), 0o755))
		require.NoError(t, os.WriteFile(h.below("releases/v1/precious"), nil, 0o644))
		for _, target := range []string{"releases/v1", h.below("releases/v1")} {
			_ = os.Remove(h.below("current"))
			require.NoError(t, os.Symlink(target, h.below("current")))
			p := pack(t, "v1", nil)
			c, err := Probe(fence(1), p.release)
			h.fails(ErrConflict, c, err)
			require.ErrorIs(t, h.stage(fence(1), p).err, ErrConflict)
			require.FileExists(t, h.below("current/precious"))
		}
	})
}

func TestMissingToolIsNamed(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		for _, tool := range []string{"flock", "tar", "gzip", "sha256sum"} {
			without := newHost(t, h.userland)
			without.path = t.TempDir()
			for _, dir := range []string{"/bin", "/usr/bin"} {
				programs, err := os.ReadDir(dir)
				require.NoError(t, err)
				for _, p := range programs {
					if p.Name() != tool && h.name != "busybox" {
						_ = os.Symlink(filepath.Join(dir, p.Name()), filepath.Join(without.path, p.Name()))
					}
				}
			}
			if h.name == "busybox" {
				if tool != "flock" {
					continue // its shell finds applets without the path
				}
				for _, applet := range names(t, h.path) {
					if applet != tool {
						require.NoError(t, os.Symlink(busybox, filepath.Join(without.path, applet)))
					}
				}
			}
			a := without.stage(fence(1), pack(t, "v1", nil))
			require.ErrorIs(t, a.err, ErrMissingTool, tool)
			require.ErrorContains(t, a.err, tool)
		}
	})
}

// unprivileged makes a host whose login is nobody, in a home that it owns.
func unprivileged(t *testing.T, land userland) *host {
	t.Helper()
	require.Zero(t, os.Getuid(), "this test runs as root, to become nobody")
	return &host{t: t, userland: land, home: openTempDir(t)}
}

// openTempDir is one that other users can enter, unlike those of t.TempDir.
func openTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slipway-hostcmd-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}

const nobody = 65534

func TestNotWritableSaysWhere(t *testing.T) {
	for _, shell := range []string{"dash", "bash", "busybox sh"} {
		t.Run(shell, func(t *testing.T) {
			h := unprivileged(t, userland{name: shell, shell: "/bin/" + firstWord(shell), path: "/usr/bin:/bin"})
			probe := func(base string) answer {
				c, err := Probe(fence(1), Release{Base: base, Version: "v1", Digest: digestOf("v1")})
				require.NoError(t, err)
				line := c.Line()
				if shell == "busybox sh" {
					line = "busybox " + line
				}
				cmd := h.command(line)
				if shell == "busybox sh" {
					cmd.Args = []string{"busybox", "sh", "-c", line}
				}
				cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				return h.answered(cmd.Run(), stdout.String(), stderr.String())[0]
			}
			a := probe("app")
			require.ErrorIs(t, a.err, ErrNotWritable)
			require.ErrorContains(t, a.err, ".slipway", "the home directory is root's")

			require.NoError(t, os.Chown(h.home, nobody, nobody))
			require.NoError(t, probe("app").err)
			a = probe("/usr/lib/app")
			require.ErrorIs(t, a.err, ErrNotWritable)
			require.ErrorContains(t, a.err, "/usr/lib/app")

			require.NoError(t, os.Chown(filepath.Join(h.home, "app/releases"), 0, 0))
			a = probe("app")
			require.ErrorIs(t, a.err, ErrNotWritable)
			require.ErrorContains(t, a.err, "app/releases")

			require.NoError(t, os.WriteFile(filepath.Join(h.home, "file"), nil, 0o644))
			require.ErrorIs(t, probe("file").err, ErrNotWritable)
			require.ErrorIs(t, probe("file/below").err, ErrNotWritable)

			h.home = "/nonexistent"
			a = probe("app")
			require.ErrorIs(t, a.err, ErrNotWritable)
			require.ErrorContains(t, a.err, "/nonexistent")
		})
	}
}

func firstWord(s string) string {
	var word string
	_, _ = fmt.Sscan(s, &word)
	return word
}

// smallDisk mounts a tmpfs.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	require.Zero(t, os.Getuid(), "this test runs as root, to mount a small tmpfs")
	dir := t.TempDir()
	require.NoError(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, options))
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// fill leaves no byte free.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "filler"))
	require.NoError(t, err)
	defer f.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		err = nil
	}
}

func TestFullDisk(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		disk := smallDisk(t, "size=2m")
		require.NoError(t, os.MkdirAll(filepath.Dir(h.below()), 0o755))
		require.NoError(t, os.Symlink(disk, h.below()))
		h.deploy(1, "v1")
		big := pack(t, "v2", map[string]string{"a": string(noise(1 << 20)), "b": string(noise(1 << 20)), "c": "x", "d": string(noise(1 << 20))})

		free := func() uint64 {
			var s syscall.Statfs_t
			require.NoError(t, syscall.Statfs(disk, &s))
			return s.Bfree
		}
		before := free()
		for _, known := range []bool{true, false} {
			big.bundle.Disk = 0
			if known {
				big.bundle.Disk = 3 << 20
			}
			a := h.stage(fence(2), big)
			require.ErrorIs(t, a.err, ErrDiskFull, a.stderr)
			if known {
				require.Regexp(t, `\d+ KiB free, the release takes 3072 KiB`, a.err.Error())
				require.Empty(t, a.Results, "nothing is unpacked")
			}
			h.requireCurrent("v1")
			require.Equal(t, []string{"v1"}, h.releases())
			h.requireStageCleared()
			require.GreaterOrEqual(t, free(), before, "nothing is left of it")
		}

		// Staged while there was room, and then there is none for a mark.
		small := pack(t, "v3", nil)
		require.NoError(t, h.stage(fence(3), small).err)
		fill(t, disk)
		c, err := Switch(fence(3), small.release, "d")
		h.fails(ErrDiskFull, c, err)
		h.requireCurrent("v1")
		require.NoError(t, os.Remove(filepath.Join(disk, "filler")))
		h.must(Switch(fence(3), small.release, "d"))
		h.requireCurrent("v3")
	})
}

func TestADiskThatASmallPackageDoesNotFitOn(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		disk := smallDisk(t, "size=400k")
		require.NoError(t, os.MkdirAll(filepath.Dir(h.below()), 0o755))
		require.NoError(t, os.Symlink(disk, h.below()))
		h.deploy(1, "v1")
		p := pack(t, "v2", map[string]string{"a": string(noise(220 << 10))}).plain(t)
		filler := filepath.Join(disk, "filler")
		require.NoError(t, os.WriteFile(filler, make([]byte, 140<<10), 0o600)) // more is free than what counts as full
		a := h.stage(fence(2), p)
		require.ErrorIs(t, a.err, ErrDiskFull, a.stderr)
		h.requireStageCleared()
		require.Equal(t, []string{"v1"}, h.releases())
		require.NoError(t, os.Remove(filler))
		require.ErrorIs(t, h.stage(fence(2), p).err, ErrDiskFull, "it does not fit twice")
		require.Equal(t, []string{"v1"}, h.releases())
		h.requireCurrent("v1")
	})
}

func TestNoInodesLeft(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		disk := smallDisk(t, "size=2m,nr_inodes=60")
		require.NoError(t, os.MkdirAll(filepath.Dir(h.below()), 0o755))
		require.NoError(t, os.Symlink(disk, h.below()))
		h.deploy(1, "v1")
		files := map[string]string{}
		for i := range 100 {
			files[fmt.Sprint("f", i)] = "x"
		}
		a := h.stage(fence(2), pack(t, "v2", files))
		require.ErrorIs(t, a.err, ErrDiskFull, a.stderr)
		h.requireCurrent("v1")
		require.Equal(t, []string{"v1"}, h.releases())
	})
}

func TestFullHome(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		h.home = smallDisk(t, "size=256k")
		fill(t, h.home)
		c, err := Probe(fence(1), Release{Base: t.TempDir(), Version: "v1", Digest: digestOf("v1")})
		h.fails(ErrDiskFull, c, err)
	})
}

// noise is content that does not compress.
func noise(n int) []byte {
	out := make([]byte, 0, n+32)
	for i := 0; len(out) < n; i++ {
		out = append(out, digestOf(fmt.Sprint(i))[:32]...)
	}
	return out[:n]
}
