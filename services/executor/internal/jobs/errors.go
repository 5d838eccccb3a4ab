package jobs

import "errors"

var (
	// errSuperseded says that another attempt of the same job has begun. This one
	// must do nothing more: no step, no event, no acknowledgement.
	errSuperseded = errors.New("another attempt has taken over")
	// errUnknownStep is a mistake in this program: the domain names a step that
	// nobody carries out.
	errUnknownStep = errors.New("unknown step")
)
