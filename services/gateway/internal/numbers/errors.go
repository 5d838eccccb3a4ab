package numbers

import "errors"

var (
	// ErrNone says that no object of the kind has the number.
	ErrNone = errors.New("nothing has this number")
	// ErrTaken says that the number is, or was, that of another object.
	ErrTaken = errors.New("the number is that of another")
	// ErrNumbered says that the object has another number; the message says which.
	ErrNumbered = errors.New("it has another number")
)
