package client

import "errors"

// What can go wrong, as errors.Is finds it.
var (
	// ErrUnreachable: there is no usable answer, because the gateway cannot be reached, did not answer in time,
	// answered with a failure of its own (5xx), or what answered is no gateway. The same request may succeed later.
	ErrUnreachable = errors.New("no usable answer from the server")

	// ErrDenied: the token is not known, or not allowed to do this.
	ErrDenied = errors.New("not allowed")

	// ErrRejected: the gateway understood and refuses: not found, in conflict with what is there, or invalid.
	ErrRejected = errors.New("rejected by the server")

	// ErrBadURL: the address of the gateway is not one. Nothing was sent.
	ErrBadURL = errors.New("bad URL of the server")

	// ErrBadToken: the token cannot be one, as it stands. Nothing was sent.
	ErrBadToken = errors.New("bad token")

	// ErrNotFound: a server is asked for by a name that none has. It is an ErrRejected too.
	ErrNotFound error = rejection("not found")

	// ErrVersionTaken: another package has this version. It is an ErrRejected too.
	ErrVersionTaken error = rejection("the version is taken")
)

// rejection is an ErrRejected that was found without the gateway's saying so.
type rejection string

func (r rejection) Error() string        { return string(r) }
func (r rejection) Is(target error) bool { return target == ErrRejected }

// errSilent ends a request to which nothing was answered in time.
var errSilent = errors.New("it did not answer in time")
