package datadir

import "errors"

var (
	// ErrNotWritable says that the directory cannot be made, or this user may not write to it or to a file in it.
	ErrNotWritable = errors.New("not writable")

	// ErrInUse says that another process has claimed the directory and is alive.
	ErrInUse = errors.New("in use")
)
