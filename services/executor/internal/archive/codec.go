package archive

import (
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Codec is how a bundle is compressed.
type Codec string

// Every host reads the first. Those that have a program for it read the second, which
// takes them, and this side, a fraction of the time. What is small is best left as it
// is: to start a program takes a host longer than the bytes take to come.
const (
	Gzip Codec = "gzip"
	Zstd Codec = "zstd"
	None Codec = "none"
)

// bundleWindow is the memory that a bundle's zstd asks of a host.
const bundleWindow = 4 << 20

// compress returns a writer at the fastest level: a bundle crosses the network once for
// each host, but most of what is in it was well packed before or is unpacked in no time.
func (c Codec) compress(to io.Writer) (io.WriteCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewWriterLevel(to, gzip.BestSpeed)
	case Zstd:
		return zstd.NewWriter(to, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(bundleWindow), zstd.WithEncoderConcurrency(1))
	case None:
		return plain{to}, nil
	default:
		return nil, fmt.Errorf("%w: compression %q", ErrFormat, c)
	}
}

// plain is a writer that has nothing to finish.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// expand returns a reader. Closing it gives back its memory.
func (c Codec) expand(from io.Reader) (io.ReadCloser, error) {
	switch c {
	case Gzip:
		return gzip.NewReader(from)
	case Zstd:
		r, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(bundleWindow))
		if err != nil {
			return nil, err
		}
		return r.IOReadCloser(), nil
	case None:
		return io.NopCloser(from), nil
	default:
		return nil, fmt.Errorf("%w: compression %q", ErrFormat, c)
	}
}
