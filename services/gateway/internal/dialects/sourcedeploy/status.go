package sourcedeploy

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// statusOf is the status of a deployment; docs/states.md shows the table.
func statusOf(state deploy.State, cause deploy.Cause) string {
	switch state {
	case deploy.Accepted, deploy.Scheduled, deploy.Waiting:
		return "waiting"
	case deploy.AwaitingApproval:
		return "pending"
	case deploy.Rejected:
		return "reject"
	case deploy.Holding:
		return "canary_pending"
	case deploy.Analyzing:
		return "canary_analyzing"
	case deploy.Halting, deploy.Reverting:
		return leaving(cause)
	case deploy.Succeeded:
		return "success"
	case deploy.Cancelled:
		return "canceled"
	case deploy.Failed:
		return failed(cause)
	}
	return "inprogress"
}

// leaving is the status while a deployment is stopped, or taken back.
func leaving(cause deploy.Cause) string {
	switch cause {
	case deploy.CauseCancelled:
		return "canceling"
	case deploy.CauseNotApproved:
		return "reject"
	case deploy.CauseCanaryRejected, deploy.CauseCanaryTimeout, deploy.CauseAnalysis, deploy.CauseSwitchRejected:
		return "canary_rejecting"
	}
	return "inprogress"
}

// failed is the status of a deployment that has failed.
func failed(cause deploy.Cause) string {
	switch cause {
	case deploy.CauseBroken:
		return "error"
	case deploy.CauseCanaryRejected, deploy.CauseAnalysis, deploy.CauseSwitchRejected:
		return "canary_reject"
	case deploy.CauseCanaryTimeout:
		return "canary_waiting_timeout"
	}
	return "fail"
}

// target is how a deployment stands on one server, as far as this dialect looks.
type target struct {
	Server  string       `json:"server"`
	Name    string       `json:"name"`
	State   deploy.State `json:"state"`
	Attempt int          `json:"attempt"`
	Steps   []step       `json:"steps"`
}

type step struct {
	Step      deploy.Step  `json:"step"`
	State     deploy.State `json:"state"`
	StartedAt time.Time    `json:"started_at"`
}

// The parts of the way on a server. Natively they are cut otherwise: here, a file is
// brought and put in place in one, and what runs of it follows.
const (
	pre = iota
	main
	post
	parts
)

var partNames = [parts]string{"pre", "deploy", "post"}

func partOf(s deploy.Step) int {
	switch s {
	case deploy.StepConnect, deploy.StepBefore:
		return pre
	case deploy.StepRestart, deploy.StepCheck, deploy.StepAfter, deploy.StepClean, deploy.StepRetire:
		return post
	}
	return main
}

// The states of a part, and of what has ended.
const (
	success    = "success"
	fail       = "fail"
	inProgress = "inprogress"
)

// status is that of a target of a deployment that is over, or not.
func (t target) status(over bool) string {
	switch {
	case t.State == deploy.Succeeded:
		return success
	case t.State == deploy.Failed:
		return fail
	case t.State == deploy.Running && t.step() == deploy.StepConnect:
		return "standby"
	case t.State == deploy.Running:
		return partNames[partOf(t.step())]
	case t.State == deploy.Pending && !over:
		return "pending"
	case t.State == deploy.Cancelled && t.Attempt > 0: // it was under way
		return fail
	}
	return "no progress"
}

// step is the one that runs, or was the last; before there is one, it is the first of all.
func (t target) step() deploy.Step {
	if len(t.Steps) == 0 {
		return deploy.StepConnect
	}
	return t.Steps[len(t.Steps)-1].Step
}

// way is when the parts of the way began, and how they stand. What has not begun is null.
type way struct {
	Time phases[int64]  `json:"time"`
	Step phases[string] `json:"step"`
}

type phases[T any] struct {
	Pre    *T `json:"pre"`
	Deploy *T `json:"deploy"`
	Post   *T `json:"post"`
}

func (t target) way() way {
	var (
		began [parts]*int64
		state [parts]*string
	)
	for _, s := range t.Steps {
		part := partOf(s.Step)
		if began[part] == nil {
			began[part] = milliseconds(&s.StartedAt)
		}
		if is := t.stateOf(s.State); state[part] == nil || *state[part] == success {
			state[part] = &is
		}
	}
	if last := state[partOf(t.step())]; last != nil && *last == success {
		*last = t.stateOf(t.State) // more of it may follow, or nothing
	}
	return way{phases[int64]{began[pre], began[main], began[post]}, phases[string]{state[pre], state[main], state[post]}}
}

// stateOf is the state of a part that a step, or the way as a whole, stands so in.
func (t target) stateOf(s deploy.State) string {
	switch s {
	case deploy.Running:
		return inProgress
	case deploy.Succeeded, deploy.Skipped: // there was nothing to do
		return success
	}
	return fail
}

// milliseconds is a time as answers tell it; nil is none.
func milliseconds(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}
