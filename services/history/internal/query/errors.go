package query

import "errors"

// What a question is refused for. Each has its code in contract.Refused; any
// other error counts as unavailable.
var (
	errInvalid  = errors.New("invalid question")
	errNotFound = errors.New("not found")
	errBehind   = errors.New("history has not seen that event yet, ask again")
	errBusy     = errors.New("too many questions at once, ask again")
)
