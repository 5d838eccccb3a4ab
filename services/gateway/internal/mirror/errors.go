package mirror

import "errors"

// ErrPartial says that a copy does not hold all that is stored: it is being read
// anew, or a value in it cannot be read. What it does not hold may be there.
var ErrPartial = errors.New("the copy of a bucket is not whole")
