package gateway

import "errors"

var (
	// ErrAddress says that the API cannot listen where it is told to. The message
	// says what to do about it.
	ErrAddress = errors.New("cannot listen")

	errNoSealKey = errors.New("is required: the executors' public key, as slipway-executor keygen prints it")
)
