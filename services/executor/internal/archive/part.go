package archive

import (
	"archive/tar"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Part is what a host is sent that holds some of a package's files already. Directories
// and links of the package are in every part.
type Part struct {
	Tree     string           // directory that becomes the release, below where the host unpacks
	Release  string           // directory of the release to link from, likewise
	Links    map[int]string   // files to link, by number in the manifest from 0: the path in Release
	Leave    func(n int) bool // files that lie in Tree; nil: none
	Manifest []byte
}

// WritePart writes the part of a whole bundle to dst and describes it; of the summary,
// SHA256 and Size are those of the part. Errors are of reading and writing, or the
// context's.
func WritePart(ctx context.Context, whole io.Reader, of Summary, p Part, dst io.Writer) (Summary, error) {
	out := newSink(dst)
	if err := writePart(ctx, whole, p, out); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Summary{}, fmt.Errorf("write a part of the bundle: %w", err)
	}
	of.SHA256, of.Size = hex.EncodeToString(out.hash.Sum(nil)), out.size
	return of, nil
}

func writePart(ctx context.Context, whole io.Reader, p Part, out *sink) error {
	in, err := gzip.NewReader(whole)
	if err != nil {
		return err
	}
	gz, err := gzip.NewWriterLevel(out, gzip.BestSpeed)
	if err != nil {
		return err
	}
	tr, tw := tar.NewReader(in), tar.NewWriter(gz)
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
	return errors.Join(tw.Close(), gz.Close())
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
