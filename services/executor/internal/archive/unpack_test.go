package archive

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
)

// busybox is where Debian's package puts it; `make test` installs it.
const busybox = "/bin/busybox"

// unpackers are the tars that hosts have.
func unpackers(t testing.TB) map[string][]string {
	t.Helper()
	require.FileExists(t, busybox, "apt-get install busybox")
	return map[string][]string{"GNU tar": {"tar"}, "busybox tar": {busybox, "tar"}}
}

// unpack gives a bundle to a real tar, in a directory that has nothing beside it.
func unpack(t testing.TB, command []string, locale string, bundle []byte) string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(bundle))
	require.NoError(t, err)
	alone := t.TempDir()
	dir := filepath.Join(alone, "out")
	require.NoError(t, os.Mkdir(dir, 0o755))
	cmd := exec.Command(command[0], append(command[1:], "-xf", "-")...)
	cmd.Dir, cmd.Stdin = dir, gz
	cmd.Env = append(os.Environ(), "LC_ALL="+locale)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", command, said)
	require.Empty(t, string(said))

	beside, err := os.ReadDir(alone)
	require.NoError(t, err)
	require.Len(t, beside, 1, "something was written outside")
	requireNothingLeadsOut(t, dir)
	return dir
}

// requireNothingLeadsOut resolves every link with the system's own rules.
func requireNothingLeadsOut(t testing.TB, dir string) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		path, err = filepath.Rel(dir, path)
		require.NoError(t, err)
		if _, err := root.Stat(path); err != nil {
			require.NotContains(t, err.Error(), "escapes", "%q", path)
		}
		return nil
	}))
}

func TestHostsUnpackWhatIsMeant(t *testing.T) {
	component := strings.Repeat("ü", 127) // 254 bytes
	var headers []tar.Header
	want := map[string]string{}
	for _, name := range []string{
		strings.Repeat("a", 98), strings.Repeat("b", 99), strings.Repeat("c", 100), strings.Repeat("d", 101), strings.Repeat("e", 255),
		strings.Repeat("deep/", 20) + strings.Repeat("f", 100), strings.Repeat("deep/", 150) + "leaf",
		component + "/" + component + "/" + component + "/ende",
		"größe/日本語.txt", "latin1-\xfc", "spaces in  it ", " leading", "quote'\"`$(touch x);&|*?[", "new\nline", "tab\t", "-rf", "--checkpoint=1",
		`back\slash\n`, "a:b", "~", "#", "x/-C", "@file",
	} {
		h := file(name)
		h.PAXRecords, h.ModTime, h.Format = body("content of "+name), day, tar.FormatGNU
		headers = append(headers, h)
		want[name] = "content of " + name
	}
	targets := map[string]string{
		"links/short":                       "../größe/日本語.txt",
		"links/long":                        "../" + strings.Repeat("deep/", 150) + "leaf",
		"links/" + strings.Repeat("l", 200): "../" + component + "/" + component + "/" + component + "/ende",
		"links/up":                          "..",
		"links/dangling":                    "nowhere",
	}
	for name, target := range targets {
		h := link(name, target)
		h.Format, h.ModTime = tar.FormatGNU, day
		headers = append(headers, h)
	}
	h := hard("hard/"+strings.Repeat("h", 150), strings.Repeat("deep/", 150)+"leaf")
	h.Format = tar.FormatGNU
	headers = append(headers, h)
	want[h.Name] = want[h.Linkname]

	_, bundle := mustBuild(t, makeTar(t, headers...), FormatTar)
	for tool, command := range unpackers(t) {
		for _, locale := range []string{"C", "C.UTF-8"} {
			t.Run(tool+" "+locale, func(t *testing.T) {
				dir := unpack(t, command, locale, bundle)
				for name, content := range want {
					got, err := os.ReadFile(filepath.Join(dir, name))
					require.NoError(t, err)
					require.Equal(t, content, string(got), "%q", name)
					info, err := os.Stat(filepath.Join(dir, name))
					require.NoError(t, err)
					if !strings.HasSuffix(name, "leaf") && !strings.HasPrefix(name, "hard/") {
						require.Equal(t, day.Unix(), info.ModTime().Unix(), "%q", name)
					}
				}
				for name, target := range targets {
					got, err := os.Readlink(filepath.Join(dir, name))
					require.NoError(t, err)
					require.Equal(t, target, got, "%q", name)
				}
				require.Equal(t, countFiles(t, dir), len(want)+len(targets)+1, "and the manifest")
			})
		}
	}
}

func countFiles(t *testing.T, dir string) int {
	t.Helper()
	n := 0
	require.NoError(t, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

func TestHostsGiveModesAsMeant(t *testing.T) {
	_, bundle := mustBuild(t, makeTar(t, append(sample, tar.Header{Typeflag: tar.TypeDir, Name: "locked", Mode: 0}, file("locked/in"))...), FormatTar)
	for tool, command := range unpackers(t) {
		dir := unpack(t, command, "C", bundle)
		for name, want := range map[string]fs.FileMode{"bin": 0o755, "bin/app": 0o755, "etc/conf": 0o600, "locked": 0o700} {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, want, info.Mode()&^fs.ModeDir, "%s: %s", tool, name)
		}
		same, err := os.Stat(filepath.Join(dir, "bin/same"))
		require.NoError(t, err)
		app, err := os.Stat(filepath.Join(dir, "bin/app"))
		require.NoError(t, err)
		require.True(t, os.SameFile(same, app), tool)
	}
}

// FuzzBuild holds Build to its promise: whatever comes in, a bundle that is
// made has safe names alone, and real tars unpack it to a place that nothing
// leads out of. Beside raw bytes it takes lines that describe entries, as chance
// rarely gives a tar header the right checksum.
func FuzzBuild(f *testing.F) {
	raw := makeTar(f, sample...)
	formats := []Format{FormatTar, FormatTarGz, FormatTarZst, FormatZip, FormatFile}
	described := byte(len(formats))
	add := func(format byte, data []byte) { f.Add(format, data) }
	add(0, raw)
	add(1, gzipped(f, raw))
	add(2, zstded(f, raw))
	add(3, makeZip(f, zipped("lib/a.txt", "a", 0o640), zipped("l", "lib/a.txt", fs.ModeSymlink|0o777), zipped("d/", "", 0)))
	add(4, []byte("binary"))
	add(0, makeTar(f, link("a/b", "../c"), link("c", "a"), dir("d"), hard("h", "x"), file("c/x")))
	add(0, makeTar(f, file(strings.Repeat("long/", 60)+"x"), link("up", ".."), file("../x"), file("/x")))
	add(0, makeTar(f, tar.Header{Typeflag: tar.TypeReg, Name: "ü", PAXRecords: map[string]string{"SCHILY.xattr.user.x": "y"}}))
	add(described, []byte("5d\n0d/f\n2l|../d\n1h|d/f\n2d/up|../l\n2x|l/../..\n0l/f"))
	add(described, []byte("2d/e/up|..\n2x|d/e/up/d\n0d/e/f\n5d/e/g/\n2./d/./z|./././../x"))

	tools := unpackers(f)
	limits := Limits{MaxUnpacked: 1 << 20, MaxEntries: 100, MaxPath: 500}
	f.Fuzz(func(t *testing.T, format byte, data []byte) {
		if format == described {
			format, data = 0, fromLines(data)
		}
		m, bundle, err := buildLimited(data, formats[int(format)%len(formats)], limits)
		if err != nil {
			require.ErrorIs(t, err, ErrRefused)
			return
		}
		require.EqualValues(t, len(bundle), m.Size)
		requireSafe(t, bundle, m)
		for _, command := range tools {
			unpack(t, command, "C", bundle)
		}
	})
}

// fromLines makes a tar of lines such as "2name|target", the first byte the type.
func fromLines(data []byte) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for line := range strings.SplitSeq(string(data), "\n") {
		if line == "" {
			continue
		}
		name, target, _ := strings.Cut(line[1:], "|")
		h := tar.Header{Typeflag: line[0], Name: name, Linkname: target, Mode: int64(len(line)) * 73, Format: tar.FormatGNU}
		_ = w.WriteHeader(&h) // what the writer will not have is left out
	}
	_ = w.Close()
	return out.Bytes()
}

func requireSafe(t *testing.T, bundle []byte, m Summary) {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(bundle))
	require.NoError(t, err)
	tr := tar.NewReader(gz)
	entries, unpacked := 0, int64(0)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		entries++
		unpacked += h.Size
		require.Contains(t, "0125", string(h.Typeflag))
		require.True(t, strings.HasPrefix(h.Name, "./"), "%q", h.Name)
		require.True(t, filepath.IsLocal(h.Name), "%q", h.Name)
		require.Equal(t, strings.TrimSuffix(h.Name, "/"), "./"+filepath.Clean(h.Name), "%q", h.Name)
		require.Zero(t, h.Mode&^0o777)
		require.False(t, strings.HasPrefix(h.Linkname, "/"))
		if name := strings.TrimPrefix(h.Name, "./"); name == reserved+"/" || name == ManifestName {
			entries--
			unpacked -= h.Size
		}
	}
	require.Equal(t, m.Disk, m.Unpacked+int64(entries)*4096)
	require.Equal(t, m.Unpacked, unpacked)
}
