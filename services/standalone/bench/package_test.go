//go:build bench

package bench

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// size is how large a package is.
type size struct {
	name  string
	bytes int // before compression
	files int
}

var (
	small = size{name: "100KB", bytes: 100 << 10, files: 50}
	large = size{name: "20MB", bytes: 20 << 20, files: 500}
	huge  = size{name: "200MB", bytes: 200 << 20, files: 500}
)

// shipment is one version of a package.
type shipment struct {
	version string
	archive []byte // tar.gz
	sha256  string
	files   map[string][sha256.Size]byte // digests, by path
}

// pack makes a package whose files are half noise and half text. Versions differ
// in all files or, if changed is more than 0, from that of the same seed in so
// many.
func pack(t *testing.T, version string, s size, seed, changed int) shipment {
	t.Helper()
	p := shipment{version: version, files: map[string][sha256.Size]byte{}}
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	files := tar.NewWriter(zipped)
	content := make([]byte, s.bytes/s.files)
	copy(content[len(content)/2:], bytes.Repeat([]byte("the quick brown fox "), len(content)))
	for i := range s.files {
		var key [32]byte
		copy(key[:], fmt.Sprint(seed, " ", i, " ", i < changed))
		_, err := rand.NewChaCha8(key).Read(content[:len(content)/2])
		require.NoError(t, err)
		name := fmt.Sprintf("dir%02d/file%03d", i%20, i)
		require.NoError(t, files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err = files.Write(content)
		require.NoError(t, err)
		p.files[name] = sha256.Sum256(content)
	}
	require.NoError(t, files.Close())
	require.NoError(t, zipped.Close())
	p.archive = out.Bytes()
	sum := sha256.Sum256(p.archive)
	p.sha256 = hex.EncodeToString(sum[:])
	return p
}

// runsAt returns an error unless the application below base runs the package:
// current leads to the release, and the release holds the files of the package,
// all of them and no others.
func (p shipment) runsAt(base string) error {
	link, err := os.Readlink(filepath.Join(base, "current"))
	if err != nil {
		return err
	}
	if filepath.Base(link) != p.version {
		return fmt.Errorf("current leads to %s, not to %s", link, p.version)
	}
	found := 0
	release := os.DirFS(filepath.Join(base, "releases", p.version))
	err = fs.WalkDir(release, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(release, name)
		if err != nil {
			return err
		}
		found++
		if want, known := p.files[name]; !known || sha256.Sum256(content) != want {
			return fmt.Errorf("%s is not what was shipped", name)
		}
		return nil
	})
	if err == nil && found != len(p.files) {
		return fmt.Errorf("%d of %d files are there", found, len(p.files))
	}
	return err
}
