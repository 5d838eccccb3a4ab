package rex

import "errors"

var (
	// ErrInventory says that the file of the inventory cannot be used, and why.
	ErrInventory = errors.New("rex inventory")
	// ErrChanged says that a directory was replaced while it was read: the request can be
	// repeated.
	ErrChanged = errors.New("it was replaced while it was read")
	// ErrOff says that the dialect is not set up.
	ErrOff = errors.New("rex is not set up: rex.inventory and its directories are not given")
)
