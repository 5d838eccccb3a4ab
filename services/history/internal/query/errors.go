package query

import "errors"

// What a question is refused for. Each has its code in contract.Refused; any
// other error counts as unavailable.
var (
	errInvalid  = errors.New("invalid question")
	errNotFound = errors.New("not found")
	errArchived = errors.New("archived")
	errBehind   = errors.New("history has not seen that event yet, ask again")
	errBusy     = errors.New("too many questions at once, ask again")
)

// fieldError says which field of a question is to blame, and why.
type fieldError struct{ field, why string }

func (e fieldError) Error() string { return errInvalid.Error() + ": " + e.field + ": " + e.why }

func (e fieldError) Unwrap() error { return errInvalid }
