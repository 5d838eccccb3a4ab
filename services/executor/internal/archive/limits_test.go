package archive

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

var small = Limits{MaxUnpacked: 1 << 20, MaxEntries: 10, MaxPath: 100}

func TestLimitsAreInclusive(t *testing.T) {
	full := file("f")
	full.PAXRecords = body(strings.Repeat("x", 1<<20))
	headers := []tar.Header{full}
	for i := range 9 {
		headers = append(headers, file(fmt.Sprint(i)))
	}
	headers[1].Name = strings.Repeat("n", 100)
	m, _, err := buildLimited(makeTar(t, headers...), FormatTar, small)
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, m.Unpacked)
	require.EqualValues(t, 1<<20+10*4096, m.Disk)
}

func TestLimitsAreHeld(t *testing.T) {
	big, bigger := file("big"), file("bigger")
	big.PAXRecords, bigger.PAXRecords = body(strings.Repeat("x", 1<<19)), body(strings.Repeat("x", 1<<19+1))
	var many []tar.Header
	for i := range 11 {
		many = append(many, file(fmt.Sprint(i)))
	}
	for name, c := range map[string]struct {
		want    error
		mention string
		headers []tar.Header
	}{
		"bytes":         {ErrTooLarge, `"bigger"`, []tar.Header{big, bigger}},
		"entries":       {ErrTooMany, `"10"`, many},
		"added parents": {ErrTooMany, `"a/b/c/d/e/f/g/h/i/j/k"`, []tar.Header{file("a/b/c/d/e/f/g/h/i/j/k/l")}},
		"path":          {ErrTooLong, "101 bytes", []tar.Header{file(strings.Repeat("p", 101))}},
		"link target":   {ErrTooLong, `"l"`, []tar.Header{link("l", strings.Repeat("p", 101))}},
	} {
		t.Run(name, func(t *testing.T) {
			raw := makeTar(t, c.headers...)
			for format, data := range map[Format][]byte{FormatTar: raw, FormatTarGz: gzipped(t, raw)} {
				_, _, err := buildLimited(data, format, small)
				require.ErrorIs(t, err, c.want, format)
				require.Contains(t, err.Error(), c.mention)
			}
		})
	}
	_, _, err := buildLimited(make([]byte, 1<<20+1), FormatFile, small)
	require.ErrorIs(t, err, ErrTooLarge)
	_, _, err = buildLimited([]byte("x"), FormatFile, Limits{})
	require.ErrorIs(t, err, ErrRefused, "the zero value allows nothing")
}

// forever is a reader of one block again and again.
type forever struct{ block []byte }

func (f forever) Read(p []byte) (int, error) {
	n := 0
	for n+len(f.block) <= len(p) {
		n += copy(p[n:], f.block)
	}
	if n == 0 {
		n = copy(p, f.block)
	}
	return n, nil
}

// bomb compresses n bytes of r, which follow head.
func bomb(t *testing.T, head []byte, r io.Reader, n int64) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	require.NoError(t, err)
	_, err = w.Write(head)
	require.NoError(t, err)
	_, err = io.CopyN(w, r, n)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestBombsInTar(t *testing.T) {
	zeros := forever{make([]byte, 4096)}
	raw := makeTar(t, sample...)
	entryOf1GB := tarHeaderOnly(t, &tar.Header{Typeflag: tar.TypeReg, Name: "f", Size: 1 << 30})
	globals := makeTarGlobal(t)
	for name, data := range map[string][]byte{
		"one large file":          bomb(t, entryOf1GB, zeros, 64<<20),
		"padding without end":     bomb(t, raw, zeros, 64<<20),
		"headers without entries": bomb(t, nil, forever{globals}, 64<<20),
	} {
		t.Run(name, func(t *testing.T) {
			require.Less(t, len(data), 1<<20)
			_, _, err := buildLimited(data, FormatTarGz, small)
			require.ErrorIs(t, err, ErrTooLarge)
		})
	}
}

func tarHeaderOnly(t *testing.T, h *tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, tar.NewWriter(&out).WriteHeader(h))
	return append(out.Bytes(), make([]byte, -out.Len()&(blockSize-1))...)
}

// makeTarGlobal returns a global PAX header, which is no entry.
func makeTarGlobal(t *testing.T) []byte {
	t.Helper()
	return tarHeaderOnly(t, &tar.Header{
		Typeflag: tar.TypeXGlobalHeader, Name: "g", PAXRecords: map[string]string{"comment": "x"},
	})
}

func TestSparseFileCountsWithItsHoles(t *testing.T) {
	// GNU's old sparse format: one byte of data, at an offset of 1 TiB.
	block := make([]byte, blockSize)
	copy(block, "holes")
	copy(block[100:], "0000644\x000000000\x000000000\x0000000000001\x0000000000000\x00")
	block[156] = 'S'
	copy(block[257:], "ustar  \x00")
	binary.BigEndian.PutUint64(block[386+4:], 1<<40)
	block[386] = 0x80
	copy(block[386+12:], "00000000001\x00")
	binary.BigEndian.PutUint64(block[483+4:], 1<<40+1)
	block[483] = 0x80
	fixChecksum(block)
	data := slices.Concat(block, []byte{'x'}, make([]byte, 3*blockSize-1))

	h, err := tar.NewReader(bytes.NewReader(data)).Next()
	require.NoError(t, err)
	require.EqualValues(t, 1<<40+1, h.Size, "the test's own header is what it should be")

	_, _, err = buildLimited(data, FormatTar, DefaultLimits())
	require.ErrorIs(t, err, ErrTooLarge)
}

func TestZipThatLiesAboutItsSizes(t *testing.T) {
	data := makeZip(t, zipped("f", strings.Repeat("x", 4<<20), 0o644))
	directory := bytes.LastIndex(data, []byte("PK\x01\x02"))
	for claimed, want := range map[uint32]error{
		4 << 20:   ErrTooLarge, // the truth
		10:        ErrCorrupt,
		0:         ErrCorrupt,
		1<<20 - 1: ErrCorrupt,
		1<<31 - 1: ErrTooLarge,
		1<<32 - 2: ErrTooLarge,
	} {
		binary.LittleEndian.PutUint32(data[directory+24:], claimed)
		_, out, err := buildLimited(data, FormatZip, small)
		require.ErrorIs(t, err, want, claimed)
		require.Less(t, len(out), 1<<20)
	}
}

func TestZipDirectoryIsNotReadWithoutEnd(t *testing.T) {
	var headers []zip.FileHeader
	for i := range 9_000 {
		headers = append(headers, zipped(fmt.Sprintf("%0100d", i), "", 0o644))
	}
	_, _, err := buildLimited(makeZip(t, headers...), FormatZip, small)
	require.ErrorIs(t, err, ErrTooMany)
	require.Contains(t, err.Error(), "directory")
	_, _, err = buildLimited(makeZip(t, headers[:11]...), FormatZip, small)
	require.ErrorIs(t, err, ErrTooMany)
}

func TestZstdWindowIsBounded(t *testing.T) {
	raw := makeTar(t, sample...)
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, zstd.WithWindowSize(256<<20), zstd.WithSingleSegment(false))
	require.NoError(t, err)
	_, err = w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Flush())
	require.NoError(t, w.Close())
	_, _, err = buildLimited(out.Bytes(), FormatTarZst, DefaultLimits())
	require.ErrorIs(t, err, ErrFormat)
	require.Contains(t, err.Error(), "--long")
}

func TestMemoryDoesNotGrowWithThePackage(t *testing.T) {
	const size = 64 << 20
	header := tarHeaderOnly(t, &tar.Header{Typeflag: tar.TypeReg, Name: "f", Size: size})
	data := bomb(t, header, forever{make([]byte, 4096)}, size+2*blockSize)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	src := Source{Data: bytes.NewReader(data), Size: int64(len(data)), Format: FormatTarGz}
	m, _, err := Build(t.Context(), src, Gzip, io.Discard, DefaultLimits())
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.EqualValues(t, size, m.Unpacked)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "bytes allocated in all")
}
