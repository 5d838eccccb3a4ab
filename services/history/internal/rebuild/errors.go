package rebuild

import "errors"

// ErrDiffers says that documents are not what the events make of them.
var ErrDiffers = errors.New("documents differ from what the events make of them")
