package deploy

import "time"

// Status is where a deployment stands, for people and programs. It is
// comparable.
type Status struct {
	State  State
	Cause  Cause
	Reason string
	By     string
	Until  time.Time
}

// Status returns where the deployment stands.
func (r Rollout) Status() Status {
	switch {
	case r.Over():
		o := r.Outcome()
		return Status{State: o.State, Cause: o.Cause, Reason: o.Reason, By: o.By}
	case r.End != nil:
		return Status{State: Halting, Cause: r.End.Cause, Reason: r.End.Reason, By: r.End.By}
	case r.Phase == Planning: // it rests, if it is to, once history knows the plan
		return Status{State: Accepted}
	case r.Pause != nil:
		return Status{State: Paused, Cause: r.Pause.Cause, Reason: r.Pause.Reason, By: r.Pause.By}
	case r.Phase != Held:
		return Status{State: Running}
	case r.Hold.Kind == ForApproval:
		return Status{State: AwaitingApproval, Until: r.Hold.Until}
	case r.Hold.Kind == ForStart:
		return Status{State: Scheduled, Until: r.Hold.Until}
	case r.Hold.Kind == ForPromotion:
		return Status{State: Holding, Cause: CauseCanary, Until: r.Hold.Until}
	}
	return Status{State: Running, Cause: CauseBetweenWaves, Until: r.Hold.Until}
}

// standing is what there is to be said of a rollout: whenever it changes, a new
// turn begins.
type standing struct {
	status   Status
	finished bool
	wave     int
}

func (r Rollout) standing() standing {
	return standing{r.Status(), r.Phase == Finishing || r.Phase == Finished, r.Wave}
}
