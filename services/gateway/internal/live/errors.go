package live

import "errors"

var (
	// ErrFull says that this gateway shows events to as many as it may.
	ErrFull = errors.New("too many watch events here")
	// ErrCallerFull says that this gateway shows events to one caller as often as it may.
	ErrCallerFull = errors.New("you watch events here as often as limits.caller_watches allows")
	// ErrClosed says that this gateway shows no events any more: it stops.
	ErrClosed = errors.New("the gateway stops")
	// ErrSlow ends a watch that was left behind.
	ErrSlow = errors.New("events came faster than they were taken")
	// ErrOver ends a watch that has seen the last event of its deployment.
	ErrOver = errors.New("the deployment has ended")
	// ErrAhead says that there is no event yet that was said to be seen.
	ErrAhead = errors.New("there is no such event yet")
	// ErrGone says that events after the one that was seen are not kept any more.
	ErrGone = errors.New("events that followed are not kept any more")
)
