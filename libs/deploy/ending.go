package deploy

import "fmt"

// Ending is why a rollout stops before its plan is done.
type Ending struct {
	State  State  `json:"state"`
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// checkBudget stops or pauses a rollout in which too many hosts have failed.
func (r Rollout) checkBudget() Rollout {
	b := r.Policy.Budget
	if r.Pause != nil || !r.overBudget() {
		return r
	}
	reason := fmt.Sprintf("%d of %d hosts failed, which is more than the budget allows", r.Ended().Failed, r.Targets())
	// Where nothing is left to begin, there is nothing to keep from beginning.
	last := r.role() == "" && r.Wave == r.Waves.Len()-1 && r.In == r.Current().Count && r.inWave().Total() == r.Current().Count
	switch {
	case last && b.Then != OverrunReverts:
		return r
	case b.Then == OverrunPauses:
		r.Pause = &Pause{Cause: CauseBudget, Reason: reason}
		return r
	}
	return r.stop(Ending{State: Failed, Cause: CauseBudget, Reason: reason})
}

// stop lets nothing begin any more. The first reason stands.
func (r Rollout) stop(e Ending) Rollout {
	if r.End != nil || r.Over() {
		return r
	}
	r.End, r.Hold, r.Pause = &e, nil, nil
	if r.Phase != Planning { // history must know the targets before they end
		r.Phase = Stopping
	}
	return r
}

// Unbegun returns the targets that a stop has to end: all that may not have
// begun. Of the current wave some may have: theirs is a race that their events
// decide.
func (r Rollout) Unbegun() Range {
	first := r.Current().First
	return Range{First: first, Count: r.Targets() - first}
}

// Stopped moves on from Stopping, once every target of Unbegun has begun or has
// ended. Those of later waves that had ended before, because a person skipped
// them, are counted in ahead.
func (r Rollout) Stopped(ahead Tally) Rollout {
	if r.Phase != Stopping {
		return r
	}
	never := r.Unbegun().Count - ahead.Total()
	if r.Begun() {
		never -= r.Current().Count // each of them is counted by its own event
	}
	r.Tally = r.Tally.Add(ahead)
	if r.End.UnbegunState() == Cancelled {
		r.Tally.Cancelled += never
	} else {
		r.Tally.Skipped += never
	}
	r.Phase = Draining
	if !r.Begun() || r.inWave().Total() == r.Current().Count {
		return r.close()
	}
	return r
}

// close moves on once every target has ended.
func (r Rollout) close() Rollout {
	r.Phase, r.Pause, r.Trouble = Finishing, nil, nil
	if r.goesBack() {
		r.Phase = GoingBack
	}
	return r
}

// UnbegunState is how targets end that never began.
func (e Ending) UnbegunState() State {
	if e.State == Cancelled {
		return Cancelled
	}
	return Skipped
}

// Concluded moves on from Finishing, once the outcome is published.
func (r Rollout) Concluded() Rollout {
	if r.Phase == Finishing {
		r.Phase = Finished
	}
	return r
}

// Abort ends a rollout that cannot go on at all: what has not ended counts as
// failed. One whose outcome stands is left alone: whoever reads late finds its
// inputs removed, and that is no failure.
func (r Rollout) Abort(reason string) Rollout {
	if !r.Over() {
		r.Tally = r.Ended()
		r.Tally.Failed += r.Targets() - r.Tally.Total()
		r.Sum, r.Pieces, r.Hold, r.Pause, r.Trouble = Tally{}, nil, nil, nil, nil
		r.Phase, r.End = Finishing, &Ending{State: Failed, Cause: CauseBroken, Reason: reason}
	}
	return r
}

// Outcome is the state in which the deployment ends, and why. It succeeded where
// no target failed or was kept from it; a stop that came too late for all of
// them changes nothing, unless there was more to wait for.
func (r Rollout) Outcome() Ending {
	t := r.Ended()
	switch {
	case r.End != nil && (t.Succeeded < r.Targets() || r.allBegan()):
		return *r.End
	case t.Failed > t.Excused:
		return Ending{State: Failed, Cause: CauseHosts}
	}
	return Ending{State: Succeeded}
}
