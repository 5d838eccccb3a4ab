package archive

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/flate"
)

// Flag bits of a zip entry that say that its content, or its name, is hidden.
const zipEncrypted = 1<<0 | 1<<6 | 1<<13

// A zip's directory is read whole before the first entry. It may hold this many
// bytes for each entry that is allowed, which bounds the memory that it takes.
const zipDirectoryPerEntry = 256

// zipUnix are the systems in "version made by" that record a Unix mode.
var zipUnix = map[uint16]bool{3: true, 19: true}

func addZip(b *bundle, section *io.SectionReader) error {
	directory := &gate{r: section, left: int64(b.limits.MaxEntries)*zipDirectoryPerEntry + 1<<20}
	zr, err := zip.NewReader(directory, section.Size())
	if directory.left < 0 {
		return fmt.Errorf("%w: the zip's directory is larger than that of %d entries", ErrTooMany, b.limits.MaxEntries)
	}
	// As with tar, the names are the bundle's business.
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	directory.open = true
	zr.RegisterDecompressor(zip.Deflate, flate.NewReader)
	for _, f := range zr.File {
		if err := addZipped(b, f); err != nil {
			return err
		}
	}
	return nil
}

func addZipped(b *bundle, f *zip.File) error {
	if f.Flags&zipEncrypted != 0 {
		return fmt.Errorf("%w: %q", ErrEncrypted, short(f.Name))
	}
	if strings.Contains(f.Name, `\`) {
		// The format knows "/" alone; this comes from tools on Windows that
		// meant a directory.
		return fmt.Errorf("%w: %q holds a backslash", ErrName, short(f.Name))
	}
	e := entry{name: f.Name, mode: zipMode(f), mtime: f.Modified}
	if e.mode.IsDir() {
		e.kind = kindDir
		return b.add(e)
	}
	if t := e.mode.Type(); t != 0 && t != fs.ModeSymlink {
		return fmt.Errorf("%w: %q is %s", ErrType, short(f.Name), t)
	}
	body, err := f.Open()
	if errors.Is(err, zip.ErrAlgorithm) {
		return fmt.Errorf("%w: %q is compressed by method %d", ErrFormat, short(f.Name), f.Method)
	}
	if err != nil {
		return fmt.Errorf("%q: %w", short(f.Name), err)
	}
	defer body.Close()
	if e.mode.Type() == fs.ModeSymlink {
		target, err := io.ReadAll(io.LimitReader(body, int64(b.limits.MaxPath)+1))
		if err != nil {
			return fmt.Errorf("%q: %w", short(f.Name), err)
		}
		e.kind, e.target = kindSymlink, string(target)
		return b.add(e)
	}
	size := f.UncompressedSize64
	if size > uint64(b.limits.MaxUnpacked) { // also keeps the conversion below from turning negative
		return fmt.Errorf("%w: %q alone has %d bytes, %d are allowed", ErrTooLarge, short(f.Name), size, b.limits.MaxUnpacked)
	}
	e.kind, e.size, e.body = kindFile, int64(size), body
	return b.add(e)
}

// zipMode returns an entry's type and permissions. Where the tool recorded
// none, what an unzip would give a file with the usual umask.
func zipMode(f *zip.File) fs.FileMode {
	mode := f.Mode()
	if zipUnix[f.CreatorVersion>>8] && mode.Perm() != 0 {
		return mode
	}
	if mode.IsDir() {
		return mode.Type() | 0o755
	}
	return mode.Type() | 0o644
}

// gate bounds what is read before it is opened.
type gate struct {
	r    io.ReaderAt
	left int64
	open bool
}

func (g *gate) ReadAt(p []byte, off int64) (int, error) {
	if !g.open {
		if g.left -= int64(len(p)); g.left < 0 {
			return 0, io.ErrUnexpectedEOF
		}
	}
	return g.r.ReadAt(p, off)
}
