package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Source is a package as it was uploaded.
type Source struct {
	Data   io.ReaderAt // an *os.File, usually
	Size   int64       // bytes of Data that belong to the package
	Format Format
	Name   string // of the one file of FormatFile; not used otherwise
}

// Limits bound what a package may unpack to. They are held against the bytes
// that come out, not against what headers claim. The zero value allows nothing.
type Limits struct {
	MaxUnpacked int64 // bytes of all files together
	MaxEntries  int   // entries, with the directories that had to be added
	MaxPath     int   // bytes of one path, and of one link target
}

// DefaultLimits returns limits that a package made in good faith does not meet.
func DefaultLimits() Limits {
	return Limits{
		MaxUnpacked: 8 << 30,
		MaxEntries:  250_000,
		MaxPath:     1024, // leaves room for the release's own path below PATH_MAX
	}
}

// Summary describes a bundle, or a part of one.
type Summary struct {
	Codec    Codec
	SHA256   string // of the bundle, lower-case hex
	Size     int64  // of the bundle, in bytes
	Disk     int64  // bytes that a disk is to have for it: an estimate, see block
	Unpacked int64  // bytes of all files together
	Manifest string // sha256 of the manifest, lower-case hex
	Files    int    // lines of the manifest
	Paths    int    // lines that `find .` prints where the bundle was unpacked and the manifest taken away
}

// block is what each entry may take of a disk beside its bytes.
const block = 4096

// Build writes the bundle made from src to dst, compressed by codec, and describes it.
// It returns the manifest as well.
//
// Errors about the package are ErrRefused and one of the other sentinels; the
// bundle written until then is worthless. Others are about reading src or
// writing dst, or are the context's.
func Build(ctx context.Context, src Source, codec Codec, dst io.Writer, limits Limits) (Summary, []byte, error) {
	in := &origin{ctx: ctx, data: src.Data}
	out := newSink(dst)
	s, manifest, err := build(src, codec, in, out, limits)
	switch {
	case err == nil:
		return s, manifest, nil
	case ctx.Err() != nil:
		return Summary{}, nil, fmt.Errorf("build the bundle: %w", context.Cause(ctx))
	case out.err != nil:
		return Summary{}, nil, fmt.Errorf("write the bundle: %w", out.err)
	case in.err != nil:
		return Summary{}, nil, fmt.Errorf("read the package: %w", in.err)
	case errors.Is(err, ErrRefused):
		return Summary{}, nil, err
	default: // what a decoder says of bytes that were read well
		return Summary{}, nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
}

func build(src Source, codec Codec, in *origin, out *sink, limits Limits) (Summary, []byte, error) {
	b, err := newBundle(out, codec, limits)
	if err != nil {
		return Summary{}, nil, err
	}
	section := io.NewSectionReader(in, 0, src.Size)
	switch src.Format {
	case FormatTar:
		err = addPlainTar(b, section)
	case FormatTarGz:
		err = addTarGz(b, section)
	case FormatTarZst:
		err = addTarZst(b, section)
	case FormatZip:
		err = addZip(b, section)
	case FormatFile:
		err = b.add(entry{name: src.Name, kind: kindFile, mode: 0o755, size: src.Size, body: section, flat: true})
	default:
		err = fmt.Errorf("%w: %q", ErrFormat, src.Format)
	}
	if err != nil {
		return Summary{}, nil, err
	}
	return b.finish()
}

// origin reads the upload. It remembers its own failures, so that a broken disk
// is not taken for a broken package, and ends reading with the context.
type origin struct {
	ctx  context.Context
	data io.ReaderAt
	err  error
}

func (o *origin) ReadAt(p []byte, off int64) (int, error) {
	if err := o.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := o.data.ReadAt(p, off)
	if err != nil && err != io.EOF {
		o.err = err
	}
	return n, err
}
