package lifecycle

import "errors"

var (
	// ErrEnded says that a component returned without an error although nothing had
	// asked it to stop. What rests on it cannot work, so that is a failure.
	ErrEnded = errors.New("ended by itself")

	// ErrStopTimeout says that components were still running when the time to stop was
	// over. They are left behind; the process should exit.
	ErrStopTimeout = errors.New("did not stop in time")
)
