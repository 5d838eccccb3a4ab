package deploy

import "slices"

// State is where a deployment, a target or a step stands. One table
// (transitions) says which states each of the three may pass through; a state
// without successors is terminal and is never left again.
type State string

// The states. Deployments use accepted, running, succeeded and failed; targets
// pending, running, succeeded, failed and skipped; steps running, succeeded,
// failed and skipped.
const (
	Accepted  State = "accepted"  // durable, not yet planned
	Pending   State = "pending"   // planned, waits for its wave or its host
	Running   State = "running"   // under way
	Succeeded State = "succeeded" // ended as asked
	Failed    State = "failed"    // ended with a reason; the host runs what ran before
	Skipped   State = "skipped"   // never begun, because an earlier wave failed
)

// Terminal says whether nothing can follow s.
func (s State) Terminal() bool { return s == Succeeded || s == Failed || s == Skipped }

// Subject is what a state belongs to: the three have tables of their own.
type Subject string

// The subjects of the state table.
const (
	OfDeployment Subject = "deployment"
	OfTarget     Subject = "target"
	OfStep       Subject = "step"
)

// transitions is the one table of states: subject → state → what may follow.
var transitions = map[Subject]map[State][]State{
	OfDeployment: {
		Accepted: {Running, Failed},
		Running:  {Succeeded, Failed},
	},
	OfTarget: {
		// An attempt that was cut short is followed by another: running → running.
		Pending: {Running, Failed, Skipped},
		Running: {Running, Succeeded, Failed},
	},
	OfStep: {
		Running: {Running, Succeeded, Failed, Skipped},
	},
}

// CanFollow says whether the subject may go from one state to the next. The
// empty state is before the first.
func (o Subject) CanFollow(from, to State) bool {
	if from == "" {
		return true
	}
	return slices.Contains(transitions[o][from], to)
}
