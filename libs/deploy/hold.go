package deploy

import "time"

// HoldKind is what a held rollout waits for.
type HoldKind string

// What a rollout may wait for.
const (
	ForApproval  HoldKind = "approval"  // a person's consent to the plan
	ForStart     HoldKind = "start"     // the time that was asked for
	ForPause     HoldKind = "pause"     // the pause between two waves to end
	ForSlot      HoldKind = "slot"      // a place among the deployments that may be under way
	ForWindow    HoldKind = "window"    // the hours in which hosts may begin
	ForAnalysis  HoldKind = "analysis"  // the next measurement of the canary
	ForPromotion HoldKind = "promotion" // a person's verdict on the canary
	ForKeep      HoldKind = "keep"      // the time to end in which traffic can go back to the old set
	ForResume    HoldKind = "resume"    // a person to resume what was paused
)

// Hold is what a held rollout waits for, and until when it does.
type Hold struct {
	Kind  HoldKind  `json:"kind"`
	Until time.Time `json:"until,omitzero"`
}

// Pause is why a rollout rests.
type Pause struct {
	Cause  Cause  `json:"cause"`
	Reason string `json:"reason,omitempty"`
	By     string `json:"by,omitempty"`
}

// proceed begins the current wave, or holds it.
func (r Rollout) proceed(now time.Time) Rollout {
	if r.Hold = r.gate(now); r.Hold != nil {
		if *r.Hold == (Hold{Kind: ForWindow}) {
			return r.neverOpens()
		}
		r.Phase = Held
		return r
	}
	if r.allBegan() {
		return r.close()
	}
	if r.Wave == 0 && r.Policy.Deadline > 0 && r.Deadline.IsZero() {
		r.Deadline = now.Add(r.Policy.Deadline)
	}
	r.Phase, r.Began = Dispatching, now
	return r.widen(now)
}

// gate is the first thing that keeps the current wave from beginning.
func (r Rollout) gate(now time.Time) *Hold {
	p := r.Policy
	switch {
	case r.Pause != nil:
		return &Hold{Kind: ForResume}
	case now.Before(r.Kept) && r.ReleasedBy == "":
		return &Hold{ForKeep, r.Kept}
	case r.allBegan():
		return nil
	case p.Approval != nil && r.ApprovedBy == "":
		return &Hold{ForApproval, p.Approval.Expires}
	case r.Wave == 0 && now.Before(p.StartAt):
		return &Hold{ForStart, p.StartAt}
	case r.Judging != nil && r.Judging.open() && r.PromotedBy == "":
		return &Hold{ForAnalysis, r.Judging.Next}
	case !r.Verdict.IsZero() && r.PromotedBy == "":
		return &Hold{ForPromotion, r.Verdict}
	case now.Before(r.Rest):
		return &Hold{ForPause, r.Rest}
	case !p.Calendar.Open(now):
		return &Hold{ForWindow, p.Calendar.Next(now)}
	case r.Slot == SlotWanted:
		return &Hold{Kind: ForSlot}
	}
	return nil
}

// Tick lets time pass: what was waited for long enough is waited for no more.
func (r Rollout) Tick(now time.Time) Rollout {
	if r.Over() || r.End != nil {
		return r
	}
	if !r.Deadline.IsZero() && !now.Before(r.Deadline) {
		return r.stop(Ending{State: Failed, Cause: CauseDeadline, Reason: "the time for the deployment is up"})
	}
	if r.Phase != Held {
		if !r.Reopen.IsZero() && !now.Before(r.Reopen) {
			return r.widen(now)
		}
		return r
	}
	late := !r.Hold.Until.IsZero() && !now.Before(r.Hold.Until)
	switch {
	case r.Hold.Kind == ForApproval && late:
		return r.stop(Ending{State: Rejected, Cause: CauseNotApproved, Reason: "nobody approved the plan in time"})
	case r.Hold.Kind == ForPromotion && late:
		return r.stop(Ending{State: Failed, Cause: CauseCanaryTimeout, Reason: "nobody judged the " + r.candidate() + " in time"})
	}
	return r.proceed(now)
}

// Wake is when Tick is to be called at the latest; zero: no time is waited for.
func (r Rollout) Wake() time.Time {
	if r.Over() || r.End != nil {
		return time.Time{}
	}
	wake := r.Deadline
	if r.Pause == nil { // a window that opens changes nothing for one that rests
		wake = sooner(wake, r.Reopen)
	}
	if r.Hold != nil {
		wake = sooner(wake, r.Hold.Until)
	}
	return wake
}

// sooner is the earlier of two times, a zero one being no time.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Due says whether Tick has something to do.
func (r Rollout) Due(now time.Time) bool {
	wake := r.Wake()
	return !wake.IsZero() && !now.Before(wake)
}
