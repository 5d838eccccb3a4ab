// Package whole writes files of which there is either all or nothing.
package whole

import (
	"io"
	"os"
	"path/filepath"
)

// File has write fill a file beside path, readable for the owner alone from its first
// moment, and puts it in the place of path once all of it is on disk. Where that fails,
// what was at path is as it was.
func File(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Sync(); err != nil {
		_ = f.Close()
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
