package bundles

import "errors"

var (
	// ErrMissing says that the package is not in the object store any more.
	ErrMissing = errors.New("the package was deleted")
	// ErrAltered says that what the object store holds is not what was uploaded.
	ErrAltered = errors.New("the package is not what was uploaded")
	// ErrNoRoom says that the cache's directory cannot hold the package.
	ErrNoRoom = errors.New("no room for the package on the executor")
)
