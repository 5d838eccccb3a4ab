package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

var day = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

// sample is a package as people make them.
var sample = []tar.Header{
	{Typeflag: tar.TypeDir, Name: "./", Mode: 0o755, ModTime: day},
	{Typeflag: tar.TypeDir, Name: "./bin/", Mode: 0o755, ModTime: day},
	{Typeflag: tar.TypeReg, Name: "./bin/app", Mode: 0o4755, ModTime: day, PAXRecords: body("#!/bin/sh\n"), Uid: 1000, Uname: "alice"},
	{Typeflag: tar.TypeLink, Name: "./bin/same", Linkname: "./bin/app", Mode: 0o755, ModTime: day},
	{Typeflag: tar.TypeSymlink, Name: "./app", Linkname: "bin/app", Mode: 0o777, ModTime: day},
	{Typeflag: tar.TypeSymlink, Name: "./bin/up", Linkname: "../etc/conf", Mode: 0o777, ModTime: day},
	{Typeflag: tar.TypeReg, Name: "etc/conf", Mode: 0, ModTime: day, PAXRecords: body("a=b\n")},
	{Typeflag: tar.TypeReg, Name: "-rf", Mode: 0o644, ModTime: day},
	{Typeflag: tar.TypeReg, Name: `etc/dev-disk-by\x2dlabel.device`, Mode: 0o644, ModTime: day},
}

// body is how the tables here give a header its file's content.
func body(s string) map[string]string { return map[string]string{"TEST.body": s} }

func makeTar(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range headers {
		content := h.PAXRecords["TEST.body"]
		h.PAXRecords = nil
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(content))
		}
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func zstded(t testing.TB, data []byte, options ...zstd.EOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, options...)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func makeZip(t testing.TB, headers ...zip.FileHeader) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, h := range headers {
		content := h.Comment // stands for the body here
		h.Comment = ""
		f, err := w.CreateHeader(&h)
		require.NoError(t, err)
		_, err = io.WriteString(f, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

func zipped(name, content string, mode fs.FileMode) zip.FileHeader {
	h := zip.FileHeader{Name: name, Comment: content, Method: zip.Deflate, Modified: day}
	if mode != 0 {
		h.SetMode(mode)
	}
	return h
}

func buildLimited(data []byte, format Format, limits Limits) (Summary, []byte, error) {
	var out bytes.Buffer
	src := Source{Data: bytes.NewReader(data), Size: int64(len(data)), Format: format, Name: "app.jar"}
	m, _, err := Build(context.Background(), src, Gzip, &out, limits)
	return m, out.Bytes(), err
}

func mustBuild(t testing.TB, data []byte, format Format) (Summary, []byte) {
	t.Helper()
	m, bundle, err := buildLimited(data, format, DefaultLimits())
	require.NoError(t, err)
	return m, bundle
}

// listing reads a bundle back: "type mode name[ -> target][: content]" a line. The
// manifest, with which each ends, is left out.
func listing(t testing.TB, bundle []byte) []string {
	t.Helper()
	gz, err := gzip.NewReader(bytes.NewReader(bundle))
	require.NoError(t, err)
	tr := tar.NewReader(gz)
	var lines []string
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		require.NoError(t, err)
		require.Zero(t, h.Uid+h.Gid)
		require.Empty(t, h.Uname+h.Gname)
		require.Empty(t, h.PAXRecords)
		line := string(h.Typeflag) + " " + fs.FileMode(h.Mode).String() + " " + h.Name
		if h.Linkname != "" {
			line += " -> " + h.Linkname
		}
		content, err := io.ReadAll(tr)
		require.NoError(t, err)
		if len(content) > 0 {
			line += ": " + string(content)
		}
		if name := strings.TrimPrefix(h.Name, "./"); name != reserved+"/" && name != ManifestName {
			lines = append(lines, line)
		}
	}
}

func TestTarIsNormalised(t *testing.T) {
	raw := makeTar(t, sample...)
	want := []string{
		"5 -rwxr-xr-x ./bin/",
		"0 -rwxr-xr-x ./bin/app: #!/bin/sh\n",
		"1 -rwxr-xr-x ./bin/same -> ./bin/app",
		"2 -rwxrwxrwx ./app -> bin/app",
		"2 -rwxrwxrwx ./bin/up -> ../etc/conf",
		"5 -rwxr-xr-x ./etc/",
		"0 -rw------- ./etc/conf: a=b\n",
		"0 -rw-r--r-- ./-rf",
		`0 -rw-r--r-- ./etc/dev-disk-by\x2dlabel.device`,
	}
	var first Summary
	for format, data := range map[Format][]byte{
		FormatTar: raw, FormatTarGz: gzipped(t, raw), FormatTarZst: zstded(t, raw),
	} {
		m, bundle := mustBuild(t, data, format)
		require.Equal(t, want, listing(t, bundle), format)
		sum := sha256.Sum256(bundle)
		require.Equal(t, Summary{
			Codec: Gzip, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(bundle)), Unpacked: 14,
			Disk:     14 + int64(len(want))*4096,
			Manifest: m.Manifest, Files: 3, Paths: len(want) + 1,
		}, m)
		if first == (Summary{}) {
			first = m
		}
		require.Equal(t, first, m, "the same content gives the same bundle, however it came")
	}
}

func TestZipIsNormalised(t *testing.T) {
	_, bundle := mustBuild(t, makeZip(t,
		zipped("lib/a.txt", "a", 0o640),
		zipped("lib/", "", fs.ModeDir|0o700), // after what is in it
		zipped("run", "x", 0o755|fs.ModeSetuid),
		zipped("lib/link", "../run", fs.ModeSymlink|0o777),
		zipped("plain", "p", 0), // no mode recorded
		zipped("plaindir/", "", 0),
	), FormatZip)
	require.Equal(t, []string{
		"5 -rwxr-xr-x ./lib/",
		"0 -rw-r----- ./lib/a.txt: a",
		"5 -rwx------ ./lib/",
		"0 -rwxr-xr-x ./run: x",
		"2 -rwxrwxrwx ./lib/link -> ../run",
		"0 -rw-r--r-- ./plain: p",
		"5 -rwxr-xr-x ./plaindir/",
	}, listing(t, bundle))
}

func TestSingleFileBecomesAnExecutableFile(t *testing.T) {
	m, bundle := mustBuild(t, []byte("PK\x03\x04 a jar"), FormatFile)
	require.Equal(t, []string{"0 -rwxr-xr-x ./app.jar: PK\x03\x04 a jar"}, listing(t, bundle))
	require.EqualValues(t, 10, m.Unpacked)
}

func TestSingleFileNameIsChecked(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "/a", "a/", ".slipway", "a\x00b"} {
		src := Source{Data: strings.NewReader("x"), Size: 1, Format: FormatFile, Name: name}
		_, _, err := Build(context.Background(), src, Gzip, io.Discard, DefaultLimits())
		require.ErrorIs(t, err, ErrName, "%q", name)
	}
}

func TestTimesAreWholeSecondsWithinReason(t *testing.T) {
	_, bundle := mustBuild(t, makeTar(t,
		tar.Header{Typeflag: tar.TypeReg, Name: "old", ModTime: time.Unix(-5, 0), Format: tar.FormatPAX},
		tar.Header{Typeflag: tar.TypeReg, Name: "fine", ModTime: time.Unix(5, 999), Format: tar.FormatPAX},
		tar.Header{Typeflag: tar.TypeReg, Name: "late", ModTime: time.Unix(1<<40, 0), Format: tar.FormatPAX},
	), FormatTar)
	gz, err := gzip.NewReader(bytes.NewReader(bundle))
	require.NoError(t, err)
	tr := tar.NewReader(gz)
	for _, want := range []int64{0, 5, maxTime} {
		h, err := tr.Next()
		require.NoError(t, err)
		require.Equal(t, time.Unix(want, 0), h.ModTime)
	}
}

type brokenDisk struct{}

var errDisk = errors.New("disk on fire")

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, errDisk }
func (brokenDisk) Write([]byte) (int, error)         { return 0, errDisk }

func TestBrokenDiskIsNotABrokenPackage(t *testing.T) {
	for _, format := range []Format{FormatTar, FormatTarGz, FormatTarZst, FormatZip, FormatFile} {
		_, _, err := Build(context.Background(), Source{Data: brokenDisk{}, Size: 1000, Format: format, Name: "x"}, Gzip, io.Discard, DefaultLimits())
		require.ErrorIs(t, err, errDisk, format)
		require.NotErrorIs(t, err, ErrRefused, format)
	}
	data := makeTar(t, sample...)
	_, _, err := Build(context.Background(), Source{Data: bytes.NewReader(data), Size: int64(len(data)), Format: FormatTar}, Gzip, brokenDisk{}, DefaultLimits())
	require.ErrorIs(t, err, errDisk)
	require.NotErrorIs(t, err, ErrRefused)
}

func TestContextEndsABuild(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, format := range []Format{FormatTar, FormatTarGz, FormatTarZst, FormatZip, FormatFile} {
		_, _, err := Build(ctx, Source{Data: strings.NewReader("x"), Size: 1, Format: format, Name: "x"}, Gzip, io.Discard, DefaultLimits())
		require.ErrorIs(t, err, context.Canceled, format)
		require.NotErrorIs(t, err, ErrRefused, format)
	}
}
