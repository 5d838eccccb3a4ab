package broker

import "errors"

var (
	// ErrConfig says that the configuration asks for something that the broker does not do.
	ErrConfig = errors.New("broker configuration")

	// ErrDamaged says that a stream in the data directory holds messages and cannot be recovered.
	ErrDamaged = errors.New("stream is damaged")

	// ErrAddressInUse says that something else listens where the broker should.
	ErrAddressInUse = errors.New("address is in use")

	// ErrNotRunning says that the broker is asked for a connection before it is ready or after it has stopped.
	ErrNotRunning = errors.New("broker is not running")

	// ErrWrite says that JetStream could not write a message and takes no more before a new start.
	ErrWrite = errors.New("JetStream cannot write")
)
