package netguard

import "errors"

var (
	// ErrClosed says that an address is neither public nor allowed.
	ErrClosed = errors.New("not a public address")
	// ErrURL says that a text is no URL that may be asked for.
	ErrURL = errors.New("no absolute http or https URL")
	// ErrRedirect says that a redirect is not followed.
	ErrRedirect = errors.New("the redirect is not followed")
)
