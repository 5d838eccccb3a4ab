package hostcmd

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
)

// Install puts a file into a directory, in place of what has its name, and makes the
// directories of the application. The content comes on stdin; nobody ever reads a part
// of it. Results: KeySection for each line of what was there before the deployment that
// begins a section. It fails with ErrNotWritable where the directory is not there, too.
func Install(f Fence, base, deployment string, file File) (Command, error) {
	sum := sha256.Sum256([]byte(file.Content))
	c, err := f.command("install", errors.Join(ValidateBase(base), validateID("deployment", deployment), file.check()),
		base, deployment, file.Directory, file.Name, hex.EncodeToString(sum[:]))
	c.Size = int64(len(file.Content))
	return c, err
}

// Restore puts back what the Install of this deployment has replaced, or removes the
// file where there was none.
func Restore(f Fence, base, deployment string, file File) (Command, error) {
	return f.command("restore", errors.Join(ValidateBase(base), validateID("deployment", deployment), file.check()),
		base, deployment, file.Directory, file.Name)
}

// File is one outside of the application, which other programs read.
type File struct {
	Directory string // absolute
	Name      string
	Content   string
}

func (f File) check() error {
	errs := []error{validateText("file", f.Content), ValidateVersion(f.Name)}
	if !path.IsAbs(f.Directory) || path.Clean(f.Directory) != f.Directory {
		errs = append(errs, fmt.Errorf("%w directory %q: it must be absolute and clean", ErrInvalid, cut(f.Directory, 100)))
	}
	return errors.Join(append(errs, validateText("directory", f.Directory))...)
}
