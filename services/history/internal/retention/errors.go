package retention

import "errors"

var (
	// ErrPolicy says that a policy cannot be read.
	ErrPolicy = errors.New("not a policy")

	// ErrRemoving says that a deployment has not been removed to the end.
	ErrRemoving = errors.New("the deployment is being removed; ask again once history has looked for what goes")

	// ErrNotArchived says that nothing is known of where a deployment would be.
	ErrNotArchived = errors.New("history does not know the deployment as archived; name its file")

	// errChanged says that a deployment is not what was archived any more.
	errChanged = errors.New("the deployment has changed since it was read")
)
