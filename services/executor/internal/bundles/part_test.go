package bundles

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

// uploadFiles stores a tar and returns what a command would say of it.
func (s *setting) uploadFiles(id string, files map[string]string) contract.Package {
	s.t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(s.t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := w.Write([]byte(files[name]))
		require.NoError(s.t, err)
	}
	require.NoError(s.t, w.Close())
	p := s.upload(id, raw.String())
	p.Format, p.Version = string(archive.FormatTar), id
	return p
}

func noise(n int, seed byte) string {
	content := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(content)
	return string(content)
}

var place = archive.Place{Tree: "./tree", Manifest: "./beside/manifest", Beside: "./beside"}

func TestASmallBundleIsSentAsItLies(t *testing.T) {
	s := newSetting(t)
	b, err := s.open(1<<20).Take(t.Context(), s.uploadFiles("p", map[string]string{"a": "1", "b/c": "2"}))
	require.NoError(t, err)
	defer b.Release()
	plain, err := b.Plain(t.Context(), place)
	require.NoError(t, err)
	defer plain.Release()
	again, err := b.Plain(t.Context(), place)
	require.NoError(t, err)
	defer again.Release()
	require.Equal(t, plain.entry.path, again.entry.path, "it is made once")
	require.NoError(t, plain.Verify())
	file, err := plain.Open()
	require.NoError(t, err)
	defer file.Close()
	var names []string
	for r := tar.NewReader(file); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		names = append(names, h.Name)
	}
	require.ElementsMatch(t, []string{"./beside/", "./beside/manifest", "./tree/a", "./tree/b/", "./tree/b/c"}, names)
}

func TestAPartIsMadeOnceForAllHostsWithTheSame(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 20)
	old, err := c.Take(t.Context(), s.uploadFiles("old", map[string]string{"big": noise(100_000, 1), "a": "1"}))
	require.NoError(t, err)
	defer old.Release()
	next, err := c.Take(t.Context(), s.uploadFiles("next", map[string]string{"big": noise(100_000, 1), "a": "2"}))
	require.NoError(t, err)
	defer next.Release()
	base := Base{Manifest: old.Manifest, Release: "./releases/old"}
	paths := make([]string, 10)
	var asking sync.WaitGroup
	for i := range paths {
		asking.Go(func() {
			part, err := next.Linked(context.Background(), archive.Zstd, base, place)
			if err != nil {
				t.Error(err)
				return
			}
			defer part.Release()
			paths[i] = part.entry.path
		})
	}
	asking.Wait()
	require.Len(t, slices.Compact(paths), 1)
	part, err := next.Linked(t.Context(), archive.Zstd, base, place)
	require.NoError(t, err)
	require.Less(t, part.Size, int64(2000))
	require.Less(t, part.Disk, int64(10_000), "what is linked takes nothing, not even a block")
	require.Equal(t, next.Manifest, part.Manifest)
	require.NoError(t, part.Verify())
	part.Release()

	_, err = next.Linked(t.Context(), archive.Zstd, Base{Manifest: "unknown"}, place)
	require.ErrorIs(t, err, ErrUnknown)

	other, err := c.Take(t.Context(), s.uploadFiles("other", map[string]string{"big": noise(100_000, 2)}))
	require.NoError(t, err)
	defer other.Release()
	for range 2 {
		_, err = other.Linked(t.Context(), archive.Zstd, base, place)
		require.ErrorIs(t, err, ErrNoGain)
	}
}

func TestALargeFileThatChangedALittleIsSentInPart(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 30)
	big := noise(3<<20, 1)
	old, err := c.Take(t.Context(), s.uploadFiles("old", map[string]string{"big": big}))
	require.NoError(t, err)
	next, err := c.Take(t.Context(), s.uploadFiles("next", map[string]string{"big": big[:1<<20] + "inserted" + big[1<<20:]}))
	require.NoError(t, err)
	defer next.Release()
	base := Base{Manifest: old.Manifest, Release: "./releases/old"}
	part, err := next.Linked(t.Context(), archive.Zstd, base, place)
	require.NoError(t, err)
	require.Less(t, part.Size, int64(20_000))
	require.Greater(t, part.Disk, int64(3<<20), "the file that is made takes all")
	part.Release()

	// Without the older bundle there is nothing to compare with.
	old.Release()
	c.forget(old.entry)
	base.Release = "./releases/other"
	_, err = next.Linked(t.Context(), archive.Zstd, base, place)
	require.ErrorIs(t, err, ErrNoGain)
}

func TestTheRestGoesWithItsRelease(t *testing.T) {
	s := newSetting(t)
	b, err := s.open(1<<20).Take(t.Context(), s.uploadFiles("p", map[string]string{"a": noise(10_000, 1), "b": noise(10_000, 2)}))
	require.NoError(t, err)
	defer b.Release()
	rest, err := b.Rest(t.Context(), archive.Gzip, Missing{Place: place, Lacks: func(n int) bool { return n == 1 }})
	require.NoError(t, err)
	require.Equal(t, archive.Gzip, rest.Codec)
	require.Greater(t, rest.Size, int64(10_000))
	require.Less(t, rest.Size, int64(12_000))
	require.FileExists(t, rest.entry.path)
	rest.Release()
	require.NoFileExists(t, rest.entry.path)
}

func TestABundleIsCompressedOnceForAllHostsThatWantItSo(t *testing.T) {
	s := newSetting(t)
	b, err := s.open(1<<20).Take(t.Context(), s.uploadFiles("p", map[string]string{"a": "1"}))
	require.NoError(t, err)
	defer b.Release()
	for codec, begins := range map[archive.Codec]string{archive.None: "./a\x00", archive.Gzip: "\x1f\x8b", archive.Zstd: "\x28\xb5\x2f\xfd"} {
		one, err := b.In(t.Context(), codec)
		require.NoError(t, err)
		defer one.Release()
		require.Equal(t, codec, one.Codec)
		require.NoError(t, one.Verify())
		content, err := os.ReadFile(one.entry.path)
		require.NoError(t, err)
		require.Equal(t, begins, string(content[:len(begins)]))
		same, err := b.In(t.Context(), codec)
		require.NoError(t, err)
		defer same.Release()
		require.Equal(t, one.entry.path, same.entry.path)
	}
}

func TestABundleThatIsNotReadToItsEndIsNotTakenForDamaged(t *testing.T) {
	s := newSetting(t)
	b, err := s.open(1<<20).Take(t.Context(), s.upload("p", "content"))
	require.NoError(t, err)
	defer b.Release()
	e, err := b.cache.rewrite(t.Context(), b, func(whole io.Reader, of archive.Summary, to io.Writer) (archive.Summary, error) {
		_, err := io.CopyN(to, whole, 10)
		return of, err
	})
	require.NoError(t, err)
	content, err := os.ReadFile(e.path)
	require.NoError(t, err)
	require.Len(t, content, 10)
}

func TestALargePackageIsKeptCompressed(t *testing.T) {
	s := newSetting(t)
	b, err := s.open(1<<20).Take(t.Context(), s.upload("p", strings.Repeat("x", bareUpload+1)))
	require.NoError(t, err)
	defer b.Release()
	require.Equal(t, archive.Zstd, b.Codec)
	require.Less(t, b.Size, int64(1<<20))
	small, err := b.cache.Take(t.Context(), s.upload("q", strings.Repeat("x", 1000)))
	require.NoError(t, err)
	defer small.Release()
	require.Equal(t, archive.None, small.Codec)

	// What is small only as it is uploaded.
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	tw := tar.NewWriter(w)
	require.NoError(t, tw.WriteHeader(&tar.Header{Name: "zeros", Mode: 0o644, Size: bareUnpacked + 1}))
	_, err = io.Copy(tw, io.LimitReader(zeros{}, bareUnpacked+1))
	require.NoError(t, errors.Join(err, tw.Close(), w.Close()))
	p := s.upload("r", packed.String())
	p.Format = string(archive.FormatTarGz)
	bomb, err := b.cache.Take(t.Context(), p)
	require.NoError(t, err)
	defer bomb.Release()
	require.Equal(t, archive.Zstd, bomb.Codec)
	require.EqualValues(t, bareUnpacked+1, bomb.Unpacked)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestFilesWithLongPathsAreShared has a tree whose entries are larger than the files, before they
// are compressed.
func TestFilesWithLongPathsAreShared(t *testing.T) {
	s := newSetting(t)
	c := s.open(1 << 30)
	files := map[string]string{}
	for i := range 500 {
		files[fmt.Sprintf("node_modules/%s/%d/index.js", strings.Repeat("long/", 20), i)] = strings.Repeat(fmt.Sprintf("line %d;\n", i), 40)
	}
	old, err := c.Take(t.Context(), s.uploadFiles("old", files))
	require.NoError(t, err)
	defer old.Release()
	files["new"] = "1"
	next, err := c.Take(t.Context(), s.uploadFiles("next", files))
	require.NoError(t, err)
	defer next.Release()
	part, err := next.Linked(t.Context(), archive.Zstd, Base{Manifest: old.Manifest, Release: "./releases/old"}, place)
	require.NoError(t, err)
	defer part.Release()
	all, err := next.In(t.Context(), archive.Zstd)
	require.NoError(t, err)
	defer all.Release()
	require.Less(t, part.Size, all.Size)

	// Where nothing but names is in the files, nothing is won.
	for name := range files {
		files[name] = ""
	}
	empty, err := c.Take(t.Context(), s.uploadFiles("empty", files))
	require.NoError(t, err)
	defer empty.Release()
	_, err = empty.Linked(t.Context(), archive.Zstd, Base{Manifest: old.Manifest, Release: "./releases/old"}, place)
	require.ErrorIs(t, err, ErrNoGain)
}

func TestNothingIsMadeOfADamagedBundle(t *testing.T) {
	base := Base{Manifest: "", Release: "./releases/old"}
	for name, made := range map[string]func(*Bundle) (*Bundle, error){
		"compressed": func(b *Bundle) (*Bundle, error) { return b.In(t.Context(), archive.Zstd) },
		"plain":      func(b *Bundle) (*Bundle, error) { return b.Plain(t.Context(), place) },
		"linked":     func(b *Bundle) (*Bundle, error) { return b.Linked(t.Context(), archive.Zstd, base, place) },
		"rest": func(b *Bundle) (*Bundle, error) {
			return b.Rest(t.Context(), archive.Zstd, Missing{Place: place, Lacks: func(int) bool { return true }})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSetting(t)
			c := s.open(1 << 20)
			files := map[string]string{"a": strings.Repeat("x", 2000), "b\\c": "in no manifest"}
			old, err := c.Take(t.Context(), s.uploadFiles("old", files))
			require.NoError(t, err)
			base.Manifest = old.Manifest
			old.Release()
			files["new"] = "1"
			p := s.uploadFiles("p", files)
			for _, at := range []int64{0, 1000, 3075, -1} { // in a header, in a file, in one that no host looks at, in the end that nobody reads
				b, err := c.Take(t.Context(), p)
				require.NoError(t, err)
				if at < 0 {
					at += b.Size
				}
				file, err := os.OpenFile(b.entry.path, os.O_RDWR, 0)
				require.NoError(t, err)
				_, err = file.WriteAt([]byte("!"), at)
				require.NoError(t, errors.Join(err, file.Close()))
				for range 2 { // whoever has it still hears the same
					_, err = made(b)
					require.ErrorIs(t, err, ErrDamaged)
				}
				b.Release()
			}
			b, err := c.Take(t.Context(), p)
			require.NoError(t, err)
			defer b.Release()
			good, err := made(b)
			require.NoError(t, err, "it was fetched anew")
			defer good.Release()
			require.NoError(t, good.Verify())
			require.EqualValues(t, 6, s.source.fetches.Load())
		})
	}
}
