package store

import "errors"

// ErrURI says that a URI names no store that could be used.
var ErrURI = errors.New("not a URI of MongoDB")
