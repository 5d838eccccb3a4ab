package standalone

import "errors"

// errNoHome says that there is no default for the data directory.
var errNoHome = errors.New("must be given: neither XDG_DATA_HOME nor HOME is set")
