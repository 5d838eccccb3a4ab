package auditlog

import "errors"

// ErrNotStored says that an entry was not stored in time. What it is about must not be done.
var ErrNotStored = errors.New("the audit log cannot be written")
