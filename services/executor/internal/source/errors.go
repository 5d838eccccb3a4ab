package source

import "errors"

var (
	// ErrUnreachable says that a source does not answer, or not to the end. It is
	// worth another try.
	ErrUnreachable = errors.New("the source of the package cannot be reached")
	// ErrDenied says that a source does not let the executor in, or shows another
	// host key than it must.
	ErrDenied = errors.New("the source of the package denies access")
	// ErrGone says that the package is not at its source.
	ErrGone = errors.New("the package is not at its source")
	// ErrRefused says that this executor may not, or cannot, fetch from the source.
	ErrRefused = errors.New("the executor does not fetch from this source")
	// ErrTooLarge says that the package is larger than this executor takes.
	ErrTooLarge = errors.New("the package is larger than the executor takes")
	// ErrCredential says that the credential of a source cannot be opened or used.
	ErrCredential = errors.New("the credential of the package's source cannot be used")
	// ErrLocal says that this executor cannot keep what it fetches on its disk.
	ErrLocal = errors.New("the executor cannot keep the package")
)
