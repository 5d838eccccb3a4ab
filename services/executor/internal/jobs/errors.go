package jobs

import "errors"

var (
	// errSuperseded says that another attempt of the same job has begun. This one
	// must do nothing more: no step, no event, no acknowledgement.
	errSuperseded = errors.New("another attempt has taken over")
	// errTokensLost says that the host refuses the token as too low, though no
	// newer attempt is known: the broker lost what it had stored.
	errTokensLost = errors.New("the host has seen a newer token of this installation, whose broker knows of none; see docs/operations.md")
	// errStopped says that the deployment stops: the job ends before its next step.
	errStopped = errors.New("the deployment is being stopped")
	// errPage says that an HTTP check was answered, and not as it should be.
	errPage = errors.New("the answer is not the right one")
	// errUnknownStep is a mistake in this program: the domain names a step that
	// nobody carries out.
	errUnknownStep = errors.New("unknown step")
)
