package demo

import "errors"

var (
	// ErrInstallation says that slipway-standalone did not come up, or ended. The message has the end of its log.
	ErrInstallation = errors.New("slipway-standalone")

	// ErrHosts says that the demo hosts cannot be made here.
	ErrHosts = errors.New("demo hosts")

	// ErrCommand says that a command ended otherwise than it must.
	ErrCommand = errors.New("unexpected exit status")

	// ErrNotCleared says that something of the demo is left behind.
	ErrNotCleared = errors.New("the demo is not cleared away")

	// ErrWrongRelease says that a host does not run what it must.
	ErrWrongRelease = errors.New("wrong release")
)
