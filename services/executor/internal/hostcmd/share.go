package hostcmd

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Shared is what the releases of an application share, by paths that begin at the
// release and, under the same names, at the directory shared below the application
// path.
type Shared struct {
	Files       []string // must be there
	Directories []string // are made
}

// maxShared bounds all paths of what is shared, in bytes.
const maxShared = 64 << 10

// Share puts links to what is shared into a staged release. What the package has in
// their places gives way. It fails with ErrNotShared, before it changes anything,
// where a file is not there.
func Share(f Fence, base, version string, s Shared) (Command, error) {
	errs := []error{ValidateBase(base), ValidateVersion(version)}
	args, size := []string{base, version}, 0
	add := func(kind string, paths []string) {
		for _, p := range paths {
			errs = append(errs, validateInside(p))
			args = append(args, kind, p)
			size += len(p)
		}
	}
	add("dir", s.Directories)
	add("file", s.Files)
	if size > maxShared {
		errs = append(errs, fmt.Errorf("%w linked paths: %d bytes, %d are allowed", ErrInvalid, size, maxShared))
	}
	return f.command("share", errors.Join(errs...), args...)
}

// validateInside checks a path below a release.
func validateInside(p string) error {
	if p == "" || p == "." || path.IsAbs(p) || path.Clean(p) != p || p == ".." || strings.HasPrefix(p, "../") ||
		!utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl) || len(p) > maxBase {
		return fmt.Errorf("%w path %q: below the release, without control characters", ErrInvalid, cut(p, 100))
	}
	return nil
}
