package hosts

import "errors"

var (
	// ErrCredential says that the credential cannot be opened, or is none.
	ErrCredential = errors.New("the credential cannot be used")
	// ErrClosed says that the executor is stopping.
	ErrClosed = errors.New("the executor is stopping")
	// ErrKilled says that a signal ended the command on the host. It is worth
	// another try: a newer attempt, if that was it, refuses it.
	ErrKilled = errors.New("the command on the host was killed")
	// ErrNotRecorded says that the gateway did not confirm the host key of a
	// first contact, so that it cannot be relied on.
	ErrNotRecorded = errors.New("the host key of the first contact could not be recorded")
)
