package bundles

import (
	"errors"
	"fmt"
	"syscall"
)

var (
	// ErrMissing says that the package is not in the object store any more.
	ErrMissing = errors.New("the package was deleted")
	// ErrAltered says that what was fetched is not what was uploaded or announced.
	ErrAltered = errors.New("the package is not what it was")
	// ErrLocal says that this executor cannot keep packages on its disk. Another
	// one may.
	ErrLocal = errors.New("the executor cannot keep the package")
	// ErrNoRoom is ErrLocal: the disk is full, or over quota.
	ErrNoRoom = fmt.Errorf("%w: no room", ErrLocal)
	// ErrDamaged says that a file of the cache is not what was written. It is made anew.
	ErrDamaged = errors.New("a bundle on the executor's disk was damaged")
	// ErrUnknown says that the manifest of a release is not known here.
	ErrUnknown = errors.New("unknown manifest")
	// ErrNoGain says that a part is hardly smaller than the whole package.
	ErrNoGain = errors.New("a part is not worth it")
	// ErrClosed says that the cache was closed.
	ErrClosed = errors.New("the executor is stopping")
)

// local says that an error is this executor's own trouble.
func local(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoRoom, err)
	}
	return fmt.Errorf("%w: %w", ErrLocal, err)
}
