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

// Place is where a host unpacks what is no bundle by itself, below the directory of the
// application.
type Place struct {
	Tree     string // directory of what becomes the release
	Manifest string // file
	Beside   string // directory of what files are made of; empty: none are
}

// Part is what a host is sent that holds some of a package's files already, or none.
// Directories and links of the package are in every part.
type Part struct {
	Codec    Codec // of the part
	Place    Place
	Release  string           // directory of the release to link from, likewise
	Links    map[int]string   // files to link, by number in the manifest from 0: the path in Release
	Patches  map[int]Patch    // files to make of older ones in Release
	Leave    func(n int) bool // files that lie in Tree; nil: none
	Manifest []byte
}

// WritePart writes the part of a whole bundle to dst and describes it; of the summary,
// Codec, SHA256, Size and Disk are those of the part. Errors are of reading and writing,
// or the context's.
func WritePart(ctx context.Context, whole io.Reader, of Summary, p Part, dst io.Writer) (Summary, error) {
	out := newSink(dst)
	w, err := writePart(ctx, whole, of.Codec, p, out)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Summary{}, fmt.Errorf("write a part of the bundle: %w", err)
	}
	of.Codec, of.SHA256, of.Size = p.Codec, hex.EncodeToString(out.hash.Sum(nil)), out.size
	of.Disk = w.disk
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

// partWriter writes a part.
type partWriter struct {
	Part
	tw   *tar.Writer
	disk int64 // bytes that a disk is to have for what was written
}

func writePart(ctx context.Context, whole io.Reader, codec Codec, p Part, out *sink) (*partWriter, error) {
	packed, err := p.Codec.compress(out)
	if err != nil {
		return nil, err
	}
	w := &partWriter{Part: p, tw: tar.NewWriter(packed), disk: block + int64(len(p.Manifest))}
	if err := writeManifest(w.tw, p.Place.Beside, p.Place.Manifest, p.Manifest); err != nil {
		return nil, err
	}
	err = walk(ctx, whole, codec, w.entry)
	return w, errors.Join(err, w.tw.Close(), packed.Close())
}

// walk calls fn for each entry of a whole bundle but its manifest. number is that of a
// file in the manifest, from 0, or -1.
func walk(ctx context.Context, whole io.Reader, codec Codec, fn func(h *tar.Header, name string, number int, body io.Reader) error) error {
	in, err := codec.expand(whole)
	if err != nil {
		return err
	}
	defer in.Close()
	tr := tar.NewReader(&interruptible{ctx, in})
	for n := 0; ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
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
		if err := fn(h, name, number, tr); err != nil {
			return err
		}
	}
}

// entry writes what becomes of one entry of the whole.
func (w *partWriter) entry(h *tar.Header, name string, number int, body io.Reader) error {
	h.Name = w.Place.Tree + "/" + name
	if h.Typeflag == tar.TypeLink {
		h.Linkname = w.Place.Tree + "/" + strings.TrimPrefix(h.Linkname, "./")
	}
	if number >= 0 {
		if w.Leave != nil && w.Leave(number) {
			return nil
		}
		if patch, found := w.Patches[number]; found {
			return w.patch(h, name, number, patch, body)
		}
		if path, found := w.Links[number]; found {
			h.Typeflag, h.Linkname, h.Size = tar.TypeLink, w.Release+"/"+path, 0
		}
	}
	if err := w.header(h); err != nil {
		return err
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := io.Copy(w.tw, body)
	return err
}

// header begins an entry. What is linked is on the disk already.
func (w *partWriter) header(h *tar.Header) error {
	if h.Typeflag != tar.TypeLink {
		w.disk += block + h.Size
	}
	return w.tw.WriteHeader(h)
}

// patch writes what of a file is not in its older version, and how a host puts the two
// together: a line each for where the older one lies, for the path in the tree and the
// mode, and then "copy <offset> <bytes>" from the older one or "take <offset> <bytes>" from
// what is sent.
func (w *partWriter) patch(h *tar.Header, name string, number int, patch Patch, body io.Reader) error {
	w.disk += block + h.Size // of what becomes of it
	place := fmt.Sprintf("%s/delta/%d", w.Place.Beside, number)
	recipe := []byte(fmt.Sprintf("%s/%s\n%s\n%o\n", w.Release, patch.Old, name, h.Mode))
	var taken int64
	for _, s := range patch.Segments {
		if s.Copy {
			recipe = fmt.Appendf(recipe, "copy %d %d\n", s.Offset, s.Length)
			continue
		}
		recipe = fmt.Appendf(recipe, "take %d %d\n", taken, s.Length)
		taken += s.Length
	}
	how := *h
	how.Name, how.Size, how.Mode = place+".how", int64(len(recipe)), 0o600
	if err := w.header(&how); err != nil {
		return err
	}
	if _, err := w.tw.Write(recipe); err != nil {
		return err
	}
	h.Name, h.Size = place, taken
	if err := w.header(h); err != nil {
		return err
	}
	for _, s := range patch.Segments {
		to := io.Writer(w.tw)
		if s.Copy {
			to = io.Discard
		}
		if _, err := io.CopyN(to, body, s.Length); err != nil {
			return err
		}
	}
	return nil
}
