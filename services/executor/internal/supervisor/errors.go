package supervisor

import "errors"

var (
	// ErrRefused says that supervisord answered, and not as it was asked to.
	ErrRefused = errors.New("supervisor refused")
	// ErrInvalid says that supervisord cannot read its configuration, and why.
	ErrInvalid = errors.New("supervisor cannot read its configuration")
	// ErrUnknown says that supervisord knows no program or group of this name.
	ErrUnknown = errors.New("supervisor knows no such program")
	// ErrNotStarted says that a program does not start, or not for as long as its
	// startsecs says.
	ErrNotStarted = errors.New("the program does not start")
)
