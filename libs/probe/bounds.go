package probe

import "time"

// What a check may be at most.
const (
	MaxChecks    = 10 // of one measurement
	MaxName      = 63 // characters of the name of a check
	MaxQuery     = 4096
	MaxURL       = 4096
	MaxPattern   = 1024        // bytes of what a body is looked through for
	MaxTimeout   = time.Minute // for one check
	MaxBody      = 1 << 20     // bytes that are read of an answer
	MaxRedirects = 3
)

// DefaultTimeout is for a check that says none.
const DefaultTimeout = 10 * time.Second
