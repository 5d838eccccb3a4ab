package deploy

import "slices"

// State is where a deployment, a target or a step stands. One table
// (transitions) says which states each of the three may pass through; a state
// without successors is terminal and is never left again. docs/states.md draws
// it.
type State string

// The states. Each is used by those of the three that the table names it for.
const (
	Accepted         State = "accepted"          // durable, not yet planned
	AwaitingApproval State = "awaiting_approval" // a person has to approve the plan
	Scheduled        State = "scheduled"         // waits for its time
	Waiting          State = "waiting"           // as many deployments as may are under way
	Pending          State = "pending"           // planned, waits for its wave or its host
	Running          State = "running"           // under way
	Paused           State = "paused"            // what has begun goes on; a person resumes the rest
	Holding          State = "holding"           // the canary, or what traffic has gone to, is done, a person judges it
	Analyzing        State = "analyzing"         // the canary is done, measurements judge it
	Halting          State = "stopping"          // nothing begins any more; what has begun ends
	Reverting        State = "reverting"         // hosts go back to what ran before
	Succeeded        State = "succeeded"         // ended as asked
	Failed           State = "failed"            // ended with a reason; the host runs what ran before
	Skipped          State = "skipped"           // never begun, because the deployment stopped
	Cancelled        State = "cancelled"         // ended, or never begun, because a person said so
	Rejected         State = "rejected"          // never begun, because it was not approved
)

// Terminal says whether nothing can follow s.
func (s State) Terminal() bool {
	switch s {
	case Succeeded, Failed, Skipped, Cancelled, Rejected:
		return true
	default:
		return false
	}
}

// Cause is why a deployment stands where it does, for programs.
type Cause string

// The causes.
const (
	CauseHosts          Cause = "hosts_failed"     // failed: hosts did
	CauseBudget         Cause = "budget_spent"     // failed, stopping, paused: more hosts failed than may
	CauseUnhealthy      Cause = "min_healthy"      // failed, stopping: too few hosts would stay healthy
	CauseDeadline       Cause = "deadline"         // failed, stopping: the time was up
	CauseBroken         Cause = "broken"           // failed: the deployment could not go on at all
	CauseCancelled      Cause = "cancelled"        // cancelled, stopping: a person said so
	CauseNotApproved    Cause = "not_approved"     // rejected, stopping: by a person, or by nobody in time
	CauseCanary         Cause = "canary"           // holding: for a person's verdict
	CauseCanaryRejected Cause = "canary_rejected"  // failed, stopping
	CauseCanaryTimeout  Cause = "canary_timeout"   // failed, stopping: no verdict in time
	CauseSwitched       Cause = "traffic_switched" // holding: the old set is kept ready
	CauseSwitchRejected Cause = "switch_rejected"  // failed, stopping, reverting: traffic is to go back
	CausePaused         Cause = "paused_by_person" // paused
	CauseBetweenWaves   Cause = "between_waves"    // running: the pause that was asked for
	CauseWindow         Cause = "window"           // scheduled, running: outside the hours in which hosts may begin; failed, stopping: for good
	CauseLimit          Cause = "limit"            // waiting: of deployments under way
	CauseAnalysis       Cause = "canary_analysis"  // failed, stopping, reverting: measurements judged it to be bad
	CauseNoProgress     Cause = "no_progress"      // running: no host has told anything for long
	CauseNoExecutor     Cause = "no_executor"      // running: nobody serves the zone of a host
)

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
		Accepted:         {AwaitingApproval, Scheduled, Waiting, Running, Paused, Halting, Failed},
		AwaitingApproval: {Scheduled, Waiting, Running, Paused, Halting, Failed},
		Scheduled:        {Waiting, Running, Paused, Halting, Failed},
		Waiting:          {Scheduled, Running, Paused, Halting, Failed},
		Running:          {Running, Paused, Holding, Analyzing, Halting, Succeeded, Failed},
		Paused:           {AwaitingApproval, Scheduled, Waiting, Running, Holding, Analyzing, Halting, Succeeded, Failed},
		Holding:          {Running, Paused, Halting, Succeeded, Failed},
		Analyzing:        {Analyzing, Holding, Running, Paused, Halting, Failed},
		Halting:          {Reverting, Succeeded, Failed, Cancelled, Rejected},
		Reverting:        {Failed},
	},
	OfTarget: {
		// An attempt that was cut short is followed by another: running → running.
		Pending: {Running, Failed, Skipped, Cancelled},
		Running: {Running, Succeeded, Failed, Cancelled},
	},
	OfStep: {
		Running: {Running, Succeeded, Failed, Skipped, Cancelled},
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
