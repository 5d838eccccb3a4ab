package store

import "errors"

var (
	// ErrConfig says that the configuration asks for something that the store does not do.
	ErrConfig = errors.New("store configuration")

	// ErrDamaged says that a file in the data directory is not a sound SQLite database of this store.
	ErrDamaged = errors.New("file is damaged")

	// ErrAddressInUse says that something else listens where the store should.
	ErrAddressInUse = errors.New("address is in use")
)
