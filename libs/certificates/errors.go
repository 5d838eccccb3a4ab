package certificates

import "errors"

// ErrNone says that a file holds no certificate.
var ErrNone = errors.New("holds no certificate (PEM)")
