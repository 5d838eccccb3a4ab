package archive

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow is the memory that a zstd frame may ask for: what
// `zstd --ultra -22` and `--long=27` use, and no more.
const maxZstdWindow = 128 << 20

const blockSize = 512

func addPlainTar(b *bundle, r io.Reader) error {
	s := newStream(bufio.NewReaderSize(r, 64<<10), b.limits)
	if err := addTar(b, s); err != nil {
		return err
	}
	// No checksum covers a plain tar: its end marker is all that tells a whole
	// one from one that was cut between two entries.
	if s.zeros < blockSize {
		return fmt.Errorf("%w: the end marker is missing", ErrCorrupt)
	}
	return nil
}

func addTarGz(b *bundle, r io.Reader) error {
	members, err := newGzipMembers(r)
	if err != nil {
		return err
	}
	return addCompressed(b, members)
}

func addTarZst(b *bundle, r io.Reader) error {
	frames, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1), // no goroutines
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxZstdWindow))
	if err != nil {
		return err
	}
	defer frames.Close()
	return addCompressed(b, frames)
}

// addCompressed reads on after the tar's end: only at the end of what was
// compressed comes the checksum of it all.
func addCompressed(b *bundle, r io.Reader) error {
	s := newStream(r, b.limits)
	err := addTar(b, s)
	if err == nil {
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{s}, b.buf)
	}
	if errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return fmt.Errorf("%w: it takes more than %d MiB of memory to unpack (zstd --long)", ErrFormat, maxZstdWindow>>20)
	}
	return err
}

func addTar(b *bundle, r io.Reader) error {
	tr := tar.NewReader(r)
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		// Depending on GODEBUG, Next checks names too. The bundle's own checks
		// decide, so that what is refused does not change with the environment.
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		e, err := tarEntry(header)
		if err != nil {
			return err
		}
		e.body = tr
		if err := b.add(e); err != nil {
			return err
		}
	}
}

func tarEntry(h *tar.Header) (entry, error) {
	e := entry{name: h.Name, mode: h.FileInfo().Mode(), mtime: h.ModTime, target: h.Linkname}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		// A sparse file is read with its holes filled, and counts as that much.
		if strings.HasSuffix(h.Name, "/") {
			return entry{}, fmt.Errorf("%w: %q is a file, and ends with a slash", ErrName, short(h.Name))
		}
		e.kind, e.size = kindFile, h.Size
	case tar.TypeDir:
		e.kind = kindDir
	case tar.TypeSymlink:
		e.kind = kindSymlink
	case tar.TypeLink:
		e.kind = kindHardlink
	default:
		return entry{}, fmt.Errorf("%w: %q is %s", ErrType, short(h.Name), tarType(h.Typeflag))
	}
	return e, nil
}

func tarType(flag byte) string {
	switch flag {
	case tar.TypeChar, tar.TypeBlock:
		return "a device"
	case tar.TypeFifo:
		return "a fifo"
	default:
		return fmt.Sprintf("of the unknown type %q", flag)
	}
}

// stream bounds the bytes of a tar as a whole. File bodies have a limit of
// their own; this one is for what is around them (headers that are followed by
// no entry, padding without end), which costs time without showing up anywhere.
type stream struct {
	r     io.Reader
	left  int64
	zeros int // NUL bytes that ended what was read so far, up to a block
}

func newStream(r io.Reader, limits Limits) *stream {
	overhead := int64(limits.MaxEntries) * 4 * int64(blockSize+limits.MaxPath)
	return &stream{r: r, left: limits.MaxUnpacked + overhead + 1<<20}
}

func (s *stream) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, fmt.Errorf("%w: the archive goes on and on", ErrTooLarge)
	}
	n, err := s.r.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	s.countZeros(p[:n])
	return n, err
}

func (s *stream) countZeros(p []byte) {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0 {
			s.zeros = len(p) - 1 - i
			return
		}
		if len(p)-i >= blockSize {
			s.zeros = blockSize
			return
		}
	}
	s.zeros = min(s.zeros+len(p), blockSize)
}

// gzipMembers reads gzip members one after another. NUL bytes after the last
// are padding, as tapes and block copies leave it; other bytes are an error.
type gzipMembers struct {
	src *bufio.Reader // gzip takes no byte more than it needs from this type
	gz  *gzip.Reader
}

func newGzipMembers(r io.Reader) (*gzipMembers, error) {
	src := bufio.NewReaderSize(r, 64<<10)
	gz, err := gzip.NewReader(src)
	if err != nil {
		return nil, err
	}
	gz.Multistream(false)
	return &gzipMembers{src: src, gz: gz}, nil
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := g.gz.Read(p)
		if errors.Is(err, io.EOF) && n == 0 {
			if err = g.next(); err == nil {
				continue
			}
		} else if errors.Is(err, io.EOF) {
			err = nil // the next call sees it again
		}
		return n, err
	}
}

// next goes on to the next member; io.EOF when there is none.
func (g *gzipMembers) next() error {
	first, err := g.src.Peek(1)
	if err != nil {
		return err
	}
	if first[0] == 0 {
		return g.skipPadding()
	}
	if err := g.gz.Reset(g.src); err != nil {
		return fmt.Errorf("after the end of the gzip data: %w", err)
	}
	g.gz.Multistream(false)
	return nil
}

func (g *gzipMembers) skipPadding() error {
	for {
		c, err := g.src.ReadByte()
		if err != nil {
			return err
		}
		if c != 0 {
			return fmt.Errorf("after the end of the gzip data: %w", gzip.ErrHeader)
		}
	}
}
