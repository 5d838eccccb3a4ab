package broker

import "errors"

var (
	// ErrConfig: the configuration asks for something that the broker does not do.
	ErrConfig = errors.New("broker configuration")

	// ErrDamaged: a stream in the data directory holds messages and cannot be recovered.
	ErrDamaged = errors.New("stream is damaged")

	// ErrAddressInUse: something else listens where the broker should.
	ErrAddressInUse = errors.New("address is in use")

	// ErrNotRunning: the broker is asked for a connection before it is ready or after it has stopped.
	ErrNotRunning = errors.New("broker is not running")

	// ErrWrite: JetStream could not write a message and takes no more before a new start.
	ErrWrite = errors.New("JetStream cannot write")
)
