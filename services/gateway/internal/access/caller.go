package access

import "time"

// Kind is how a caller is known.
type Kind string

// The kinds of callers.
const (
	Machine Kind = "token" // by an API token of this installation
	User    Kind = "user"  // by a JWT that somebody else has signed
)

// Caller is who sends a request.
type Caller struct {
	Kind    Kind
	ID      string // never that of another; what a JWT's subject is called here is made of its issuer and it
	Name    string // for people, and in what is told of deployments; others may have the same
	Grants  Grants
	Expires *time.Time // nil: never
}
