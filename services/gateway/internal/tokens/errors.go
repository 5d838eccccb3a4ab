package tokens

import "errors"

var (
	// ErrNotFound says that there is no token of this id.
	ErrNotFound = errors.New("no such token")
	// ErrReplaced says that another call replaced the token at the same time.
	ErrReplaced = errors.New("another call replaced the token at the same time")
)
