package haproxy

import "errors"

var (
	// ErrRefused says that HAProxy did not do what it was told; the message has its
	// words.
	ErrRefused = errors.New("haproxy refuses")
	// ErrUnfit says that servers are not fit for traffic, and did not become so in
	// time.
	ErrUnfit = errors.New("servers are not fit for traffic")
	// ErrInvalid says: a name that no command is made of.
	ErrInvalid = errors.New("invalid")
)
