package e2e

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// content is what a package holds: file names and what is in the files.
type content map[string]string

// contentOf is the content of a release: a few files that differ from version to version, bytes of ballast that do not
// compress, and a list of all of it, by which a release on a host is found to be complete.
func contentOf(version string, ballast int) content {
	c := content{
		"VERSION":        version,
		"bin/run":        "#!/bin/sh\necho " + version + "\n",
		"share/doc/text": strings.Repeat("Release "+version+"\n", 100),
	}
	if ballast > 0 {
		noise := make([]byte, ballast)
		seed := sha256.Sum256([]byte(version))
		_, _ = rand.NewChaCha8(seed).Read(noise)
		c["share/ballast"] = string(noise)
	}
	return c.listed()
}

// manifestName is the file of a package that lists the others: a line of sha256 and name for each.
const manifestName = "MANIFEST"

func (c content) listed() content {
	var list strings.Builder
	for _, name := range sortedKeys(c) {
		sum := sha256.Sum256([]byte(c[name]))
		fmt.Fprintf(&list, "%s %s\n", hex.EncodeToString(sum[:]), name)
	}
	c[manifestName] = list.String()
	return c
}

// checkRelease says what is missing or wrong in a release on a host, by its own list.
func checkRelease(dir string) error {
	list, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("%s: the list of files is empty", dir)
	}
	for line := range strings.Lines(string(list)) {
		want, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			return fmt.Errorf("%s: the list of files is cut off", dir)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
			return fmt.Errorf("%s: %s is not what was shipped", dir, name)
		}
	}
	return nil
}

func (c content) tarGz(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	c.tar(t, w)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func (c content) tarZst(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	require.NoError(t, err)
	c.tar(t, w)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func (c content) tar(t testing.TB, to io.Writer) {
	t.Helper()
	w := tar.NewWriter(to)
	for _, name := range sortedKeys(c) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(c[name])), Typeflag: tar.TypeReg}))
		_, err := io.WriteString(w, c[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
}

func (c content) zip(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range sortedKeys(c) {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(f, c[name])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// entries is a tar.gz of headers as they are given, for packages that nobody makes in good faith.
func entries(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	w := tar.NewWriter(zipped)
	for _, h := range headers {
		h.Mode = 0o644
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.CopyN(w, zeros{}, h.Size)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, zipped.Close())
	return out.Bytes()
}

func file(name string) tar.Header { return sized(name, 4) }

func sized(name string, bytes int64) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeReg, Size: bytes}
}

func symlink(name, to string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
}

func device(name string) tar.Header {
	return tar.Header{Name: name, Typeflag: tar.TypeBlock, Devmajor: 8}
}

func swarm(files int) []tar.Header {
	headers := make([]tar.Header, files)
	for i := range headers {
		headers[i] = file(fmt.Sprintf("file-%d", i))
	}
	return headers
}

// garbled is an archive with a few bytes in the middle that are not what they were.
func garbled(archive []byte) []byte {
	bad := bytes.Clone(archive)
	for i := range 64 {
		bad[len(bad)/2+i] ^= 0x5a
	}
	return bad
}

// zeros is an endless source of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
