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
	Revert string // the deployment that takes this one back; "": none
}

// Status returns where the deployment stands.
func (r Rollout) Status() Status {
	switch {
	case r.Over():
		o := r.Outcome()
		return Status{State: o.State, Cause: o.Cause, Reason: o.Reason, By: o.By, Revert: r.Revert.id()}
	case r.Phase == GoingBack:
		return Status{State: Reverting, Cause: r.End.Cause, Reason: r.End.Reason, By: r.End.By, Revert: r.Revert.id()}
	case r.End != nil:
		return Status{State: Halting, Cause: r.End.Cause, Reason: r.End.Reason, By: r.End.By}
	case r.Phase == Planning: // it rests, if it is to, once history knows the plan
		return Status{State: Accepted}
	case r.Pause != nil:
		return Status{State: Paused, Cause: r.Pause.Cause, Reason: r.Pause.Reason, By: r.Pause.By}
	case r.Phase == Held:
		return r.Hold.status(r)
	case r.Trouble != nil:
		return Status{State: Running, Cause: r.Trouble.Cause, Reason: r.Trouble.Reason}
	case !r.Reopen.IsZero():
		return Status{State: Running, Cause: CauseWindow, Until: r.Reopen}
	}
	return Status{State: Running}
}

// status is where a deployment stands that waits for this.
func (h Hold) status(r Rollout) Status {
	switch h.Kind {
	case ForApproval:
		return Status{State: AwaitingApproval, Until: h.Until}
	case ForStart:
		return Status{State: Scheduled, Until: h.Until}
	case ForSlot:
		return Status{State: Waiting, Cause: CauseLimit}
	case ForAnalysis:
		return Status{State: Analyzing, Cause: CauseCanary, Reason: r.Judging.String(), Until: h.Until}
	case ForPromotion:
		return Status{State: Holding, Cause: CauseCanary, Until: h.Until}
	case ForKeep:
		return Status{State: Holding, Cause: CauseSwitched, Until: h.Until}
	case ForWindow:
		if r.Wave == 0 {
			return Status{State: Scheduled, Cause: CauseWindow, Until: h.Until}
		}
		return Status{State: Running, Cause: CauseWindow, Until: h.Until}
	}
	return Status{State: Running, Cause: CauseBetweenWaves, Until: h.Until}
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
