package platform

// What a deployment, or an execution of it, is.
const (
	pending = iota
	deploying
	succeeded
	failed
)

// statuses are those of native states, of deployments and of targets. What is not here is
// deploying.
var statuses = map[string]int{
	"accepted": pending, "awaiting_approval": pending, "scheduled": pending, "waiting": pending, "pending": pending,
	"succeeded": succeeded,
	"failed":    failed, "cancelled": failed, "rejected": failed, "skipped": failed,
}

func statusOf(state string) int {
	if status, known := statuses[state]; known {
		return status
	}
	return deploying
}
