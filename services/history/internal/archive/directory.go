package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// unfinished is in the names of files that are being written.
	unfinished = ".part-"
	// abandoned is for how long nobody writes to one that a crash has left.
	abandoned = 24 * time.Hour
)

// Directory is a place on this machine, or on what it has mounted.
type Directory struct{ root string }

// NewDirectory returns the place. It is made when something is put there.
func NewDirectory(root string) Directory { return Directory{root} }

// Put implements Place: the file is on the disk when it has its name.
func (d Directory) Put(ctx context.Context, name string, write func(io.Writer) error) error {
	path := filepath.Join(d.root, filepath.FromSlash(name))
	dir := filepath.Dir(path)
	if err := makeAll(dir); err != nil {
		return err
	}
	sweepUp(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+unfinished)
	if err != nil {
		return err
	}
	defer func() {
		_ = f.Close()           // it was, or what it holds is of no use
		_ = os.Remove(f.Name()) // it has its own name by now, or none
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if _, err := checked(f); err != nil {
		return fmt.Errorf("read %s again: %w", name, err)
	}
	// The two are not one: who is frozen just between them still replaces what another keeps
	// meanwhile. The sweeper looks again before it ends a file, so that this one is whole, too.
	if err := d.replaces(ctx, name, f); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDirectory(dir)
}

// replaces fails with ErrMore where a file must not take the place of the one that is there.
func (d Directory) replaces(ctx context.Context, name string, f io.ReadSeeker) error {
	kept, err := d.Open(ctx, name)
	switch {
	case errors.Is(err, ErrNone):
		return nil
	case err != nil:
		return err
	}
	defer kept.Close()
	if err := noLess(f, kept); err != nil {
		return fmt.Errorf("%s: %w", d.Where(name), err)
	}
	return nil
}

// sweepUp removes what was left of writing this file before.
func sweepUp(path string) {
	left, _ := filepath.Glob(path + unfinished + "*") // the names have nothing that a pattern would
	for _, name := range left {
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(name) // it does no harm
		}
	}
}

// makeAll makes a directory and those above it, so that they survive a power cut.
func makeAll(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	above := filepath.Dir(dir)
	if above != dir {
		if err := makeAll(above); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDirectory(above)
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Open implements Place.
func (d Directory) Open(_ context.Context, name string) (File, error) {
	f, err := os.Open(d.Where(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNone, d.Where(name))
	}
	return f, err
}

// Each implements Place.
func (d Directory) Each(ctx context.Context, prefix string, do func(name string) error) error {
	return filepath.WalkDir(d.root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == d.root {
			return nil // nothing was put there
		}
		if err != nil || entry.IsDir() {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		name, err := filepath.Rel(d.root, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if !IsFile(name) || !strings.HasPrefix(name, prefix) {
			return nil
		}
		return do(name)
	})
}

// Where implements Place.
func (d Directory) Where(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }
