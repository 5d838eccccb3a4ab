package rex

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// replace has a directory hold what fill puts into another beside it. Whoever looks sees
// what was there before, or all of the new; what was there goes afterwards. The directory
// is no link.
func replace(dir string, fill func(stage string) error) (err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	stage, err := os.MkdirTemp(parent, ".slipway-"+filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }() // by then it is what was there before
	if err := fill(stage); err != nil {
		return err
	}
	if err := os.Chmod(stage, 0o755); err != nil { //nolint:gosec // others run what is in it
		return err
	}
	err = unix.Renameat2(unix.AT_FDCWD, stage, unix.AT_FDCWD, dir, unix.RENAME_EXCHANGE)
	if errors.Is(err, fs.ErrNotExist) {
		err = unix.Renameat2(unix.AT_FDCWD, stage, unix.AT_FDCWD, dir, unix.RENAME_NOREPLACE)
	}
	if err != nil {
		return fmt.Errorf("put %s in its place: %w", dir, err)
	}
	return nil
}

// copyTree copies what a directory holds to below another, over what is there:
// directories, files with their modes, and links as they are. The directory itself may be
// found by a link. Nothing is read or written through a link that leads out of either. It
// fails with ErrChanged where another directory has taken the place of the one that is
// read: replace removes that while it is read.
func copyTree(from, to, below string) error {
	in, err := os.OpenRoot(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	if err := out.MkdirAll(below, 0o755); err != nil {
		return err
	}
	err = copyBelow(in, out, ".", below)
	return cmp.Or(unchanged(in), err) // what is lacking is so because of the other
}

// copyBelow copies what a directory holds.
func copyBelow(in, out *os.Root, from, to string) error {
	dir, err := in.Open(from)
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return err
	}
	for _, name := range names {
		if err := copyEntry(in, out, filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyEntry(in, out *os.Root, from, to string) error {
	info, err := in.Lstat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if err := out.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch {
	case info.IsDir():
		if err := out.MkdirAll(to, info.Mode().Perm()|0o700); err != nil {
			return err
		}
		return copyBelow(in, out, from, to)
	case info.Mode().IsRegular():
		return copyFile(in, out, from, to)
	case info.Mode()&fs.ModeSymlink != 0:
		leads, err := in.Readlink(from)
		if err != nil {
			return err
		}
		return out.Symlink(leads, to)
	}
	return fmt.Errorf("%s is neither a file, a directory nor a link", filepath.Join(in.Name(), from))
}

// copyFile copies a file with its mode; the directories that it stands in are made.
func copyFile(in, out *os.Root, from, to string) (err error) {
	if err := out.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	source, err := in.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	made, err := out.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	_, err = io.Copy(made, source)
	return err
}

// unchanged fails with ErrChanged where a path leads to another directory than the one
// that was opened by it.
func unchanged(opened *os.Root) error {
	was, err := opened.Stat(".")
	if err != nil {
		return err
	}
	is, err := os.Stat(opened.Name())
	if err != nil || !os.SameFile(was, is) {
		return fmt.Errorf("%w: %s", ErrChanged, opened.Name())
	}
	return nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isFile says whether there is such a file below the directory, where no link leads out
// of it.
func isFile(dir, file string) bool {
	f, err := os.OpenInRoot(dir, file)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	return err == nil && info.Mode().IsRegular()
}
