package field

import (
	"errors"
	"fmt"
	"strings"
)

// ErrMalformed says that a request cannot be read at all. The message says
// where.
var ErrMalformed = errors.New("malformed")

// Error is one bad field: its path as a client writes it (credential.password,
// servers[3]), and what is wrong with it.
type Error struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Errors is every bad field of a request.
type Errors []Error

// Error implements error.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Field + ": " + one.Message
	}
	return strings.Join(lines, "; ")
}

// Add notes what is wrong with a field.
func (e *Errors) Add(name, format string, args ...any) {
	*e = append(*e, Error{Field: name, Message: fmt.Sprintf(format, args...)})
}

// Check notes the message for the field, if there is one: "" means that nothing
// is wrong.
func (e *Errors) Check(name, message string) {
	if message != "" {
		e.Add(name, "%s", message)
	}
}

// Has says whether something is wrong with the field.
func (e Errors) Has(name string) bool {
	for _, one := range e {
		if one.Field == name {
			return true
		}
	}
	return false
}

// Err returns the errors as an error, or nil where there are none.
func (e Errors) Err() error {
	if len(e) == 0 {
		return nil
	}
	return e
}
