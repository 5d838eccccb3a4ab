package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"strings"
	"time"
)

// maxTime is the latest modification time that fits a tar header's octal field,
// in the year 2242. Some hosts' tar fails on later ones.
const maxTime = 1<<33 - 1

type kind uint8

const (
	kindFile kind = iota + 1
	kindDir
	kindImplied // a directory that so far only has entries below it
	kindSymlink
	kindHardlink
)

// entry is one member of an archive, as its reader found it: unchecked.
type entry struct {
	name   string
	kind   kind
	mode   fs.FileMode
	mtime  time.Time
	size   int64     // of body
	body   io.Reader // of a file
	target string    // of a link
	flat   bool      // the name may not hold a slash
}

// bundle checks entries and writes those that pass, in the order they come.
type bundle struct {
	limits   Limits
	out      *sink
	codec    Codec
	packed   io.WriteCloser
	tw       *tar.Writer
	seen     map[string]kind // by cleaned path
	listing  *ledger
	entries  int
	unpacked int64
	buf      []byte
}

func newBundle(out *sink, codec Codec, limits Limits) (*bundle, error) {
	packed, err := codec.compress(out)
	if err != nil {
		return nil, err
	}
	return &bundle{
		limits:  limits,
		out:     out,
		codec:   codec,
		packed:  packed,
		tw:      tar.NewWriter(packed),
		seen:    make(map[string]kind),
		listing: newLedger(),
		buf:     make([]byte, 64<<10),
	}, nil
}

// add checks one entry and writes it, with the parents it lacks.
func (b *bundle) add(e entry) error {
	if e.flat && strings.Contains(e.name, "/") {
		return fmt.Errorf("%w: %q holds a slash", ErrName, short(e.name))
	}
	name, err := cleanName(e.name, b.limits.MaxPath)
	if err != nil {
		return err
	}
	if name == "" {
		if e.kind != kindDir {
			return fmt.Errorf("%w: %q is not a directory", ErrName, short(e.name))
		}
		return nil // the root: its mode is the host's business
	}
	e.name = name
	e.mtime = time.Unix(min(max(e.mtime.Unix(), 0), maxTime), 0)
	if err := b.addParents(e); err != nil {
		return err
	}
	switch b.seen[name] {
	case 0:
		b.listing.path(name)
	case kindImplied:
		if e.kind != kindDir {
			return fmt.Errorf("%w: %q is a directory already", ErrDuplicate, short(name))
		}
	case kindDir:
		if e.kind == kindDir {
			return nil
		}
		fallthrough
	default:
		return fmt.Errorf("%w: %q", ErrDuplicate, short(name))
	}
	return b.write(e)
}

// addParents sees that all above e is a directory, and adds what is missing.
func (b *bundle) addParents(e entry) error {
	for i := range len(e.name) {
		if e.name[i] != '/' {
			continue
		}
		parent := e.name[:i]
		switch b.seen[parent] {
		case kindDir, kindImplied:
		case kindSymlink:
			return fmt.Errorf("%w: %q would be written through the link %q", ErrLink, short(e.name), short(parent))
		case kindFile, kindHardlink:
			return fmt.Errorf("%w: %q lies below the file %q", ErrDuplicate, short(e.name), short(parent))
		default:
			b.listing.path(parent)
			if err := b.write(entry{name: parent, kind: kindImplied, mode: 0o755, mtime: e.mtime}); err != nil {
				return err
			}
		}
	}
	return nil
}

// write puts an entry whose name is known to be good into the bundle.
func (b *bundle) write(e entry) error {
	if b.entries++; b.entries > b.limits.MaxEntries {
		return fmt.Errorf("%w: %q is beyond the %d that are allowed", ErrTooMany, short(e.name), b.limits.MaxEntries)
	}
	header := &tar.Header{
		Format:  tar.FormatGNU,
		Name:    "./" + e.name,
		Mode:    int64(e.mode.Perm() | 0o600),
		ModTime: e.mtime,
	}
	switch e.kind {
	case kindFile:
		header.Typeflag, header.Size = tar.TypeReg, e.size
	case kindDir, kindImplied:
		header.Typeflag = tar.TypeDir
		header.Name += "/"
		header.Mode |= 0o700
	case kindSymlink:
		if err := checkTarget(e.name, e.target, b.limits.MaxPath); err != nil {
			return err
		}
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, e.target, 0o777
	case kindHardlink:
		target, err := b.linked(e)
		if err != nil {
			return err
		}
		header.Typeflag, header.Linkname = tar.TypeLink, "./"+target
	}
	b.seen[e.name] = e.kind
	if left := b.limits.MaxUnpacked - b.unpacked; header.Size > left {
		return fmt.Errorf("%w: with %q more than the %d bytes that are allowed",
			ErrTooLarge, short(e.name), b.limits.MaxUnpacked)
	}
	if err := b.tw.WriteHeader(header); err != nil {
		return fmt.Errorf("%q: %w", short(e.name), err)
	}
	if e.kind != kindFile {
		return nil
	}
	sum, err := b.copy(e)
	if err != nil {
		return err
	}
	b.listing.file(File{Path: e.name, Mode: fs.FileMode(header.Mode), Size: e.size, SHA256: sum})
	return nil
}

// copy streams a file's body and returns its sha256. What the header promised is
// within the limits by now; a body that is longer or shorter is an error of the tar
// writer's.
func (b *bundle) copy(e entry) (string, error) {
	sum := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(b.tw, sum), struct{ io.Reader }{e.body}, b.buf)
	b.unpacked += n
	if err == nil && n != e.size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return "", fmt.Errorf("%q: %w", short(e.name), err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// linked returns the file that a hard link stands for.
func (b *bundle) linked(e entry) (string, error) {
	target, err := cleanName(e.target, b.limits.MaxPath)
	if err != nil {
		return "", fmt.Errorf("%w: %q is a hard link: %w", ErrLink, short(e.name), err)
	}
	if k := b.seen[target]; k != kindFile && k != kindHardlink {
		return "", fmt.Errorf("%w: %q is a hard link to %q, which is no file earlier in the package",
			ErrLink, short(e.name), short(target))
	}
	return target, nil
}

// finish ends the bundle with its manifest.
func (b *bundle) finish() (Summary, []byte, error) {
	if b.entries == 0 {
		return Summary{}, nil, ErrEmpty
	}
	manifest := b.listing.text.Bytes()
	if err := writeManifest(b.tw, "./"+reserved, "./"+ManifestName, manifest); err != nil {
		return Summary{}, nil, err
	}
	if err := b.tw.Close(); err != nil {
		return Summary{}, nil, err
	}
	if err := b.packed.Close(); err != nil {
		return Summary{}, nil, err
	}
	return Summary{
		Codec:    b.codec,
		SHA256:   hex.EncodeToString(b.out.hash.Sum(nil)),
		Size:     b.out.size,
		Disk:     b.unpacked + int64(b.entries)*block,
		Unpacked: b.unpacked,
		Manifest: b.listing.sum(),
		Files:    b.listing.files,
		Paths:    b.listing.paths,
	}, manifest, nil
}

// writeManifest adds the manifest as a file, and before it a directory, if one is given.
func writeManifest(tw *tar.Writer, dir, file string, manifest []byte) error {
	ancient := time.Unix(1e9, 0) // tar warns of earlier ones
	headers := []tar.Header{
		{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o700},
		{Typeflag: tar.TypeReg, Name: file, Mode: 0o644, Size: int64(len(manifest))},
	}
	if dir == "" {
		headers = headers[1:]
	}
	for _, h := range headers {
		h.Format, h.ModTime = tar.FormatGNU, ancient
		if err := tw.WriteHeader(&h); err != nil {
			return err
		}
	}
	_, err := tw.Write(manifest)
	return err
}

// sink is where the bundle goes. It remembers its own failures, so that a full
// disk is not taken for a broken package.
type sink struct {
	w    io.Writer
	hash hash.Hash
	size int64
	err  error
}

func newSink(w io.Writer) *sink {
	return &sink{w: w, hash: sha256.New()}
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.hash.Write(p[:n])
	s.size += int64(n)
	if err != nil {
		s.err = err
	}
	return n, err
}
