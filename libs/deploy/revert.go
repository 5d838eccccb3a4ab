package deploy

import "cmp"

// Revert is the rollback that takes back what a deployment has switched that
// failed as a whole. It is a deployment of its own, since a host has one terminal
// event in each.
type Revert struct {
	ID    string `json:"id"`
	State State  `json:"state,omitempty"` // how it ended; empty: it has not
}

func (v *Revert) id() string {
	if v == nil {
		return ""
	}
	return v.ID
}

// Reversible says whether a deployment of this kind, that does this on an overrun, may be
// taken back by itself (goesBack), so that what it replaces on hosts is to stay there.
func Reversible(k StrategyKind, then Overrun) bool {
	return then == OverrunReverts || k == BlueGreen
}

// goesBack says whether hosts are to go back to what ran before, now that all
// have ended.
func (r Rollout) goesBack() bool {
	switch {
	case r.End == nil || r.End.Cause == CauseBroken:
		return false
	case r.role() == RoleOld && r.Begun(): // what is retired cannot be gone back to
		return false
	}
	asked := r.Policy.Budget.Then == OverrunReverts || r.End.Cause == CauseSwitchRejected
	return asked && r.Outcome().State == Failed && r.Ended().Succeeded+r.Ended().Failed > 0
}

// RevertAs names the rollback, unless it has a name already.
func (r Rollout) RevertAs(id string) Rollout {
	if r.Phase == GoingBack && r.Revert == nil {
		r.Revert = &Revert{ID: id}
	}
	return r
}

// Reverted moves on from GoingBack once the rollback has ended so; Skipped where
// there was nothing to take back.
func (r Rollout) Reverted(ended State) Rollout {
	if r.Phase != GoingBack || !ended.Terminal() {
		return r
	}
	end := *r.End
	switch ended {
	case Succeeded:
		end.Reason = cmp.Or(end.Reason, "it failed") + "; what it had switched was taken back"
	case Skipped:
		end.Reason = cmp.Or(end.Reason, "it failed") + "; nothing had to be taken back"
		r.Revert = nil
	default:
		end.Reason = cmp.Or(end.Reason, "it failed") + "; NOT all that it had switched could be taken back"
	}
	if r.Revert != nil {
		r.Revert = &Revert{ID: r.Revert.ID, State: ended}
	}
	r.End, r.Phase = &end, Finishing
	return r
}
