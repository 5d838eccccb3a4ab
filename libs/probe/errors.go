package probe

import "errors"

var (
	// ErrInvalid says that a text is not of the form that it should be of.
	ErrInvalid = errors.New("invalid")
	// ErrCredentials says that a URL holds credentials. They would be kept with the
	// deployment, for whoever may read it.
	ErrCredentials = errors.New("it holds credentials")
	// ErrQuery says that the URL of a server goes on with a query or a fragment.
	ErrQuery = errors.New("it has a query or a fragment")
)
