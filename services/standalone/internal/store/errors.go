package store

import "errors"

var (
	// ErrConfig: the configuration asks for something that the store does not do.
	ErrConfig = errors.New("store configuration")

	// ErrDamaged: a file in the data directory is not a sound SQLite database of this store.
	ErrDamaged = errors.New("file is damaged")

	// ErrAddressInUse: something else listens where the store should.
	ErrAddressInUse = errors.New("address is in use")
)
