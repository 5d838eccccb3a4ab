package git

import "errors"

// errUnadvertised says that a server does not give out a commit by its hash alone.
var errUnadvertised = errors.New("the server gives out no commit by its hash")
