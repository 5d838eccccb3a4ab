package deploy

import (
	"fmt"
	"time"
)

// MayBegin says whether targets of the current wave that were let may be given
// their jobs now.
func (r Rollout) MayBegin(now time.Time) bool {
	return r.Dispatches() && r.Pause == nil && r.Policy.Calendar.Open(now)
}

// MissTurn notes that a host of the wave that was let had its turn while none may
// begin, and is to leave its queue.
func (r Rollout) MissTurn(wave int, now time.Time) Rollout {
	if wave != r.Wave || !r.Dispatches() || r.MayBegin(now) {
		return r
	}
	r.Missed = true
	if r.Pause == nil {
		return r.shut(now)
	}
	return r
}

// shut has the current wave wait for a window to open.
func (r Rollout) shut(now time.Time) Rollout {
	if r.Reopen = r.Policy.Calendar.Next(now); r.Reopen.IsZero() {
		return r.neverOpens()
	}
	return r
}

// neverOpens stops a rollout whose calendar has no window to come. There was one
// when it was accepted, and the days since, or those excepted, have used it up.
func (r Rollout) neverOpens() Rollout {
	return r.stop(Ending{State: Failed, Cause: CauseWindow,
		Reason: fmt.Sprintf("hosts have not begun, and no window of the calendar opens within %d days", ahead)})
}
