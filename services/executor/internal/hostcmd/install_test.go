package hostcmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// install runs an Install for a deployment.
func (h *host) install(deployment string, file File) answer {
	h.t.Helper()
	c, err := Install(fence(1), base, deployment, file)
	require.NoError(h.t, err)
	return h.run(c, strings.NewReader(file.Content))
}

func (h *host) restore(deployment string, file File) {
	h.t.Helper()
	h.must(Restore(fence(1), base, deployment, file))
}

func TestAFileIsInstalledAndWhatItReplacedComesBack(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		file := File{Directory: filepath.Join(h.home, "conf d"), Name: "shop.conf", Content: "[program:shop]\n"}
		at := filepath.Join(file.Directory, file.Name)
		a := h.install("d", file)
		require.ErrorIs(t, a.err, ErrNotWritable)
		require.ErrorContains(t, a.err, file.Directory)
		require.NoError(t, os.Mkdir(file.Directory, 0o755))

		require.NoError(t, h.install("d", file).err)
		require.Equal(t, file.Content, read(t, at))
		require.DirExists(t, h.below("shared/log"))
		h.restore("d", file)
		require.NoFileExists(t, at, "there was none")

		require.NoError(t, h.install("d", file).err)
		first := file
		file.Content = "[program:shop]\ncommand=other\n[program:it's $(touch x)]"
		for range 2 { // a repeat does not take what it wrote itself for what was there
			a = h.install("e", file)
			require.NoError(t, a.err, a.stderr)
			require.Equal(t, []string{"[program:shop]"}, a.All(KeySection))
			require.Equal(t, file.Content, read(t, at))
		}
		require.Equal(t, []string{"[program:shop]", "[program:it's $(touch x)]"}, h.install("f", first).All(KeySection))
		h.restore("e", file)
		require.Equal(t, first.Content, read(t, at), "what another deployment kept is not put back")
		h.restore("f", first)
		require.Equal(t, file.Content, read(t, at))
		require.Equal(t, []string{"shop.conf"}, names(t, file.Directory))
		require.Equal(t, []string{"f"}, names(t, h.below(".slipway/init")))
	})
}

func TestAFileThatBreaksOffIsNotInstalled(t *testing.T) {
	onEach(t, func(t *testing.T, h *host) {
		file := File{Directory: h.home, Name: "shop.conf", Content: "[program:shop]\n"}
		c, err := Install(fence(1), base, "d", file)
		require.NoError(t, err)
		c.Size = UntilEnd
		for n := range len(file.Content) {
			require.ErrorIs(t, h.run(c, strings.NewReader(file.Content[:n])).err, ErrChecksum)
			require.NoFileExists(t, filepath.Join(h.home, "shop.conf"))
			require.NoFileExists(t, filepath.Join(h.home, ".shop.conf.slipway"))
		}
	})
}

func TestWhereAFileMayBeInstalledIsChecked(t *testing.T) {
	good := File{Directory: "/etc/supervisor/conf.d", Name: "shop.conf", Content: "x"}
	for name, spoil := range map[string]func(*File){
		"relative":  func(f *File) { f.Directory = "conf.d" },
		"up":        func(f *File) { f.Directory = "/etc/../root" },
		"elsewhere": func(f *File) { f.Name = "../shop.conf" },
		"hidden":    func(f *File) { f.Name = ".shop" },
		"no name":   func(f *File) { f.Name = "" },
		"NUL":       func(f *File) { f.Content = "a\x00" },
	} {
		file := good
		spoil(&file)
		_, err := Install(fence(1), base, "d", file)
		require.ErrorIs(t, err, ErrInvalid, name)
		_, err = Restore(fence(1), base, "d", file)
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}
