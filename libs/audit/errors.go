package audit

import "errors"

// ErrFormat says that a text is not an entry, or not a head.
var ErrFormat = errors.New("not of the format of the audit log")
