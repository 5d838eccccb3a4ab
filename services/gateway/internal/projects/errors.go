package projects

import "errors"

var (
	// ErrNotFound says that there is no such item.
	ErrNotFound = errors.New("there is no such thing")
	// ErrNameTaken says that another item of the kind has the name.
	ErrNameTaken = errors.New("another one has this name")
	// ErrInUse says that others refer to the item; the message names them.
	ErrInUse = errors.New("others refer to it")
)
