package packages

import "errors"

var (
	// ErrNotFound says that there is no such package.
	ErrNotFound = errors.New("no such package")
	// ErrOtherContent says that the version exists with other content.
	ErrOtherContent = errors.New("this version exists with other content")
	// ErrTooLarge says that the content is larger than allowed.
	ErrTooLarge = errors.New("the package is too large")
	// ErrDigest says that the content has another digest than was stated.
	ErrDigest = errors.New("the content has another sha256 than stated")
	// ErrBroken says that the content ended before it was complete, or stalled.
	ErrBroken = errors.New("the content did not arrive whole")
	// ErrRefused says that the gateway must not fetch from there.
	ErrRefused = errors.New("the address must not be fetched from")
	// ErrFetch says that a URL could not be fetched.
	ErrFetch = errors.New("the URL cannot be fetched")
)
