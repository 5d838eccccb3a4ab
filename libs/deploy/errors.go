package deploy

import "errors"

var (
	// ErrInvalidPlan says that a request cannot be planned as it stands.
	ErrInvalidPlan = errors.New("invalid plan")
	// ErrNoSuchTarget says that a message names a target outside the plan.
	ErrNoSuchTarget = errors.New("no such target")
	// ErrNotTerminal says that an outcome was recorded that ends nothing.
	ErrNotTerminal = errors.New("not a terminal state")
)
