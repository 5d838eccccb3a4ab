package archive

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Part is what a host is sent that holds some of a package's files already. Directories
// and links of the package are in every part.
type Part struct {
	Codec    Codec            // of the part
	Tree     string           // directory that becomes the release, below where the host unpacks
	Release  string           // directory of the release to link from, likewise
	Links    map[int]string   // files to link, by number in the manifest from 0: the path in Release
	Leave    func(n int) bool // files that lie in Tree; nil: none
	Manifest []byte
}

// WritePart writes the part of a whole bundle to dst and describes it; of the summary,
// Codec, SHA256 and Size are those of the part. Errors are of reading and writing, or the
// context's.
func WritePart(ctx context.Context, whole io.Reader, of Summary, p Part, dst io.Writer) (Summary, error) {
	out := newSink(dst)
	if err := writePart(ctx, whole, of.Codec, p, out); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Summary{}, fmt.Errorf("write a part of the bundle: %w", err)
	}
	of.Codec, of.SHA256, of.Size = p.Codec, hex.EncodeToString(out.hash.Sum(nil)), out.size
	return of, nil
}

// Recode writes a whole bundle to dst in another compression and describes it. Errors are
// as for WritePart.
func Recode(ctx context.Context, whole io.Reader, of Summary, codec Codec, dst io.Writer) (Summary, error) {
	out := newSink(dst)
	in, err := of.Codec.expand(whole)
	if err != nil {
		return Summary{}, fmt.Errorf("compress the bundle anew: %w", err)
	}
	defer in.Close()
	packed, err := codec.compress(out)
	if err != nil {
		return Summary{}, fmt.Errorf("compress the bundle anew: %w", err)
	}
	_, err = io.Copy(packed, &interruptible{ctx, in})
	if err = errors.Join(err, packed.Close()); err != nil {
		return Summary{}, fmt.Errorf("compress the bundle anew: %w", err)
	}
	of.Codec, of.SHA256, of.Size = codec, hex.EncodeToString(out.hash.Sum(nil)), out.size
	return of, nil
}

// interruptible ends reading with its context.
type interruptible struct {
	ctx context.Context //nolint:containedctx // io.Copy hands none on
	io.Reader
}

func (r *interruptible) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(p)
}

func writePart(ctx context.Context, whole io.Reader, codec Codec, p Part, out *sink) error {
	in, err := codec.expand(whole)
	if err != nil {
		return err
	}
	defer in.Close()
	packed, err := p.Codec.compress(out)
	if err != nil {
		return err
	}
	tr, tw := tar.NewReader(in), tar.NewWriter(packed)
	for n := 0; ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if name == ManifestName || name == reserved+"/" {
			continue
		}
		number := -1
		if h.Typeflag == tar.TypeReg && listed(name) {
			number = n
			n++
		}
		if err := p.entry(tw, h, name, number, tr); err != nil {
			return err
		}
	}
	if err := writeManifest(tw, p.Tree, p.Manifest); err != nil {
		return err
	}
	return errors.Join(tw.Close(), packed.Close())
}

// entry writes what becomes of one entry of the whole. number is that of a file in the
// manifest, or -1.
func (p Part) entry(tw *tar.Writer, h *tar.Header, name string, number int, body io.Reader) error {
	h.Name = p.Tree + "/" + name
	if h.Typeflag == tar.TypeLink {
		h.Linkname = p.Tree + "/" + strings.TrimPrefix(h.Linkname, "./")
	}
	if number >= 0 {
		if p.Leave != nil && p.Leave(number) {
			return nil
		}
		if path, found := p.Links[number]; found {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, p.Release+"/"+path, 0
		}
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := io.Copy(tw, body)
	return err
}
