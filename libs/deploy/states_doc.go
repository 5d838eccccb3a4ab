package deploy

import "slices"

// Transition is one row of the state table.
type Transition struct{ From, To State }

// order is that in which people read the states: as a deployment passes through
// them, and the ends last.
var order = []State{
	Accepted, AwaitingApproval, Scheduled, Waiting, Pending, Running, Paused, Holding, Analyzing, Halting, Reverting,
	Succeeded, Failed, Skipped, Cancelled, Rejected,
}

// Subjects returns what there is a table of states for.
func Subjects() []Subject { return []Subject{OfDeployment, OfTarget, OfStep} }

// States returns the states that the subject may be in, in an order that does
// not change.
func (o Subject) States() []State {
	used := map[State]bool{}
	for from, next := range transitions[o] {
		used[from] = true
		for _, to := range next {
			used[to] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(order), func(s State) bool { return !used[s] })
}

// Transitions returns the table of the subject, in an order that does not
// change.
func (o Subject) Transitions() []Transition {
	var all []Transition
	for _, from := range o.States() {
		for _, to := range o.States() {
			if slices.Contains(transitions[o][from], to) {
				all = append(all, Transition{from, to})
			}
		}
	}
	return all
}

// Start is the state in which the subject begins.
func (o Subject) Start() State { return o.States()[0] }

// Causes returns every cause.
func Causes() []Cause {
	return []Cause{
		CauseHosts, CauseBudget, CauseUnhealthy, CauseDeadline, CauseBroken, CauseCancelled, CauseNotApproved,
		CauseCanary, CauseCanaryRejected, CauseCanaryTimeout, CauseAnalysis, CauseSwitched, CauseSwitchRejected, CausePaused, CauseBetweenWaves,
		CauseWindow, CauseLimit, CauseNoProgress, CauseNoExecutor,
	}
}
