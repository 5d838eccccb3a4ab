package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// built is a bundle with its manifest.
type built struct {
	Summary
	data     []byte
	manifest []byte
}

func buildWhole(t testing.TB, headers ...tar.Header) built {
	t.Helper()
	raw := makeTar(t, headers...)
	var out bytes.Buffer
	s, manifest, err := Build(t.Context(), Source{Data: bytes.NewReader(raw), Size: int64(len(raw)), Format: FormatTar}, Gzip, &out, DefaultLimits())
	require.NoError(t, err)
	return built{s, out.Bytes(), manifest}
}

func (b built) files(t testing.TB) []File {
	t.Helper()
	files, err := ParseManifest(bytes.NewReader(b.manifest), DefaultLimits())
	require.NoError(t, err)
	require.Len(t, files, b.Files)
	return files
}

func fileOf(name, content string, mode int64) tar.Header {
	h := file(name)
	h.PAXRecords, h.Mode = body(content), mode
	return h
}

func TestAManifestListsTheFilesAsHostsSeeThem(t *testing.T) {
	b := buildWhole(t, fileOf("bin/app", "x", 0o755), link("app", "bin/app"), hard("same", "bin/app"), fileOf("a  b", "", 0o600),
		fileOf(`back\slash`, "y", 0o644), fileOf("new\nline", "y", 0o644), fileOf("space ", "y", 0o644), fileOf("tab\t", "y", 0o644), fileOf("größe", "z", 0o640))
	sum := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	require.Equal(t, "755 1 "+sum("x")+"  ./bin/app\n600 0 "+sum("")+"  ./a  b\n640 1 "+sum("z")+"  ./größe\n", string(b.manifest))
	require.Equal(t, sum(string(b.manifest)), b.Manifest)
	require.Equal(t, []File{
		{"bin/app", 0o755, 1, sum("x")}, {"a  b", 0o600, 0, sum("")}, {"größe", 0o640, 1, sum("z")},
	}, b.files(t))

	for tool, command := range unpackers(t) {
		dir := unpack(t, command, "C", b.data)
		on, err := os.ReadFile(filepath.Join(dir, ManifestName))
		require.NoError(t, err)
		require.Equal(t, string(b.manifest), string(on), tool)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, reserved)))
		found := exec.Command("find", ".")
		found.Dir = dir
		said, err := found.Output()
		require.NoError(t, err)
		require.Equal(t, b.Paths, strings.Count(string(said), "\n"), tool)
	}
}

func TestAManifestThatCannotBeIsRefused(t *testing.T) {
	sum := strings.Repeat("a", 64)
	good := "644 1 " + sum + "  ./a\n"
	_, err := ParseManifest(strings.NewReader(good), DefaultLimits())
	require.NoError(t, err)
	for _, bad := range []string{
		"\n", "644 1 " + sum + "  ./../a", "644 1 " + sum + "  /a", "644 1 " + sum + "  ./.slipway/x", "644 1 " + sum + "  ./a/", "644 1 " + sum + " ./a",
		"999 1 " + sum + "  ./a", "4755 1 " + sum + "  ./a", "644 -1 " + sum + "  ./a", "644 1 " + sum[1:] + "  ./a", "644 1 " + sum + "  ./a ", "644 1 " + sum + "  ./a\x00",
		"644 1 " + sum + "  ./" + strings.Repeat("x", 1<<20),
	} {
		_, err := ParseManifest(strings.NewReader(good+bad), DefaultLimits())
		require.Error(t, err, "%.100q", bad)
	}
	_, err = ParseManifest(strings.NewReader(good+good), Limits{MaxEntries: 1, MaxPath: 100})
	require.ErrorIs(t, err, ErrCorrupt)
}

func TestLinksAreFoundByContentAndMode(t *testing.T) {
	held := buildWhole(t, fileOf("top-1/same", "s", 0o644), fileOf("top-1/moved", "m", 0o644), fileOf("top-1/mode", "x", 0o644),
		fileOf("twin-a", "t", 0o644), fileOf("twin-b", "t", 0o644)).files(t)
	files := buildWhole(t, fileOf("top-1/same", "s", 0o644), fileOf("top-2/moved", "m", 0o644), fileOf("top-1/mode", "x", 0o755),
		fileOf("twin-a", "t", 0o644), fileOf("new", "n", 0o644)).files(t)
	links, shared := Links(files, held)
	require.Equal(t, map[int]string{0: "top-1/same", 1: "top-1/moved", 3: "twin-a"}, links)
	require.EqualValues(t, 3, shared)
}

// TestAPartCompletesWhatAHostHolds unpacks parts with real tars beside a release that
// lies there.
func TestAPartCompletesWhatAHostHolds(t *testing.T) {
	long := strings.Repeat("deep/", 40)
	old := buildWhole(t, fileOf(long+"same", "s", 0o640), fileOf("changed", "before", 0o644), fileOf("gone", "g", 0o644), fileOf("moved", "m", 0o755))
	next := buildWhole(t, dir("empty"), fileOf(long+"same", "s", 0o640), fileOf("changed", "after!", 0o644), fileOf("there", "m", 0o755),
		hard("hard", "there"), link("link", "changed"), fileOf("odd\\name", "o", 0o644))
	links, _ := Links(next.files(t), old.files(t))
	write := func(p Part) built {
		p.Codec, p.Place, p.Release, p.Manifest = Gzip, Place{"./stage/v2", "./came/manifest", "./came"}, "./releases/v1", next.manifest
		var out bytes.Buffer
		s, err := WritePart(t.Context(), bytes.NewReader(next.data), next.Summary, p, &out)
		require.NoError(t, err)
		sum := sha256.Sum256(out.Bytes())
		require.Equal(t, hex.EncodeToString(sum[:]), s.SHA256)
		require.EqualValues(t, out.Len(), s.Size)
		require.Equal(t, next.Manifest, s.Manifest)
		return built{Summary: s, data: out.Bytes()}
	}
	linked := write(Part{Links: links})
	rest := write(Part{Leave: func(n int) bool { return n != 1 }}) // "changed" alone
	want := map[string]string{long + "same": "s", "changed": "after!", "there": "m", "hard": "m", "link": "after!", "odd\\name": "o"}
	for tool, command := range unpackers(t) {
		base := t.TempDir()
		require.NoError(t, os.CopyFS(base+"/releases/v1", os.DirFS(unpack(t, command, "C", old.data))))
		onHost(t, base, command, linked.data)
		requireFiles(t, base+"/stage/v2", want)
		for _, name := range []string{long + "same", "there"} {
			now, err := os.Stat(base + "/stage/v2/" + name)
			require.NoError(t, err)
			before, err := os.Stat(base + "/releases/v1/" + strings.Replace(name, "there", "moved", 1))
			require.NoError(t, err)
			require.True(t, os.SameFile(now, before), "%s: %s is linked", tool, name)
		}

		require.NoError(t, os.WriteFile(base+"/stage/v2/changed", []byte("spoilt"), 0o644))
		onHost(t, base, command, rest.data)
		requireFiles(t, base+"/stage/v2", want)
		require.DirExists(t, base+"/stage/v2/empty")
	}
	require.Less(t, rest.Size, linked.Size)
}

// onHost unpacks a part in a directory as a host does.
func onHost(t *testing.T, dir string, command []string, data []byte) {
	t.Helper()
	cmd := exec.Command("sh", "-c", fmt.Sprintf("gzip -dc | %s -xpf -", strings.Join(command, " ")))
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(data)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", command, said)
	require.Empty(t, string(said))
}

func requireFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	for name, content := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, content, string(got), name)
	}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		name, _ := filepath.Rel(dir, path)
		if !d.IsDir() && name != ManifestName {
			require.Contains(t, want, name)
		}
		return nil
	}))
}

func TestTheEndOfAContextEndsAPart(t *testing.T) {
	b := buildWhole(t, file("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := WritePart(ctx, bytes.NewReader(b.data), b.Summary, Part{Codec: Zstd}, &bytes.Buffer{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestBundlesAreTheSameInEveryCompression(t *testing.T) {
	b := buildWhole(t, fileOf("a", strings.Repeat("text ", 10_000), 0o644), file("b"))
	plain := func(s Summary, data []byte) string {
		sum := sha256.Sum256(data)
		require.Equal(t, hex.EncodeToString(sum[:]), s.SHA256)
		require.EqualValues(t, len(data), s.Size)
		in, err := s.Codec.expand(bytes.NewReader(data))
		require.NoError(t, err)
		defer in.Close()
		text, err := io.ReadAll(in)
		require.NoError(t, err)
		return string(text)
	}
	want := plain(b.Summary, b.data)
	var packed, back bytes.Buffer
	s, err := Recode(t.Context(), bytes.NewReader(b.data), b.Summary, Zstd, &packed)
	require.NoError(t, err)
	require.Equal(t, Zstd, s.Codec)
	require.Equal(t, want, plain(s, packed.Bytes()))
	s, err = Recode(t.Context(), bytes.NewReader(packed.Bytes()), s, Gzip, &back)
	require.NoError(t, err)
	require.Equal(t, b.Summary, s)
	require.Equal(t, b.data, back.Bytes())

	out, err := exec.Command("sh", "-c", "command -v zstd").Output()
	require.NoError(t, err, "apt-get install zstd")
	cmd := exec.Command(strings.TrimSpace(string(out)), "-dc")
	cmd.Stdin = &packed
	text, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, want, string(text))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Recode(ctx, bytes.NewReader(b.data), b.Summary, Zstd, &packed)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Recode(t.Context(), bytes.NewReader(b.data), b.Summary, "lzma", &packed)
	require.ErrorIs(t, err, ErrFormat)
}
