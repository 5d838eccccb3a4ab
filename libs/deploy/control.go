package deploy

import (
	"fmt"
	"time"
)

// Verb is what a person may ask of a deployment that is under way.
type Verb string

// The verbs.
const (
	Cancel  Verb = "cancel"  // begin nothing more, end what runs between two steps
	PauseIt Verb = "pause"   // begin nothing more until resumed
	Resume  Verb = "resume"  // go on, and accept the failures so far
	Promote Verb = "promote" // the canary, or what traffic has gone to, is good: go on
	Reject  Verb = "reject"  // the plan, the canary, or what traffic has gone to, is not to go on
	Approve Verb = "approve" // the plan is good: begin
)

// Verbs returns every verb.
func Verbs() []Verb { return []Verb{Cancel, PauseIt, Resume, Promote, Reject, Approve} }

// Control is what a person asks of a deployment.
type Control struct {
	Verb   Verb
	By     string
	Reason string
	Digest string // Approve: of the plan that the person saw
}

// RefusedError says that a deployment does not do what was asked of it where it
// stands.
type RefusedError struct{ Message string }

func (e *RefusedError) Error() string { return e.Message }

func refuse(format string, args ...any) error { return &RefusedError{fmt.Sprintf(format, args...)} }

// Control does what a person asks, or fails with a RefusedError. Asking for what
// holds already changes nothing and is no error.
func (r Rollout) Control(c Control, now time.Time) (Rollout, error) {
	state := r.Status().State
	if r.Over() {
		if r.did(c.Verb) {
			return r, nil
		}
		return r, refuse("the deployment has ended: %s", state)
	}
	if r.End != nil {
		switch {
		case c.Verb == Cancel && r.Policy.Budget.Then == OverrunReverts && r.End.State == Failed:
			return r, refuse("the deployment has failed, and what it has switched is taken back")
		case c.Verb == Cancel || c.Verb == Reject && r.End.rejects():
			return r, nil
		}
		return r, refuse("the deployment is being stopped")
	}
	switch c.Verb {
	case Cancel:
		return r.stop(Ending{State: Cancelled, Cause: CauseCancelled, Reason: c.Reason, By: c.By}), nil
	case PauseIt:
		return r.pause(c, now)
	case Resume:
		return r.resume(now)
	case Promote:
		return r.promote(c, now)
	case Reject:
		return r.reject(c)
	case Approve:
		return r.approve(c, now)
	}
	return r, refuse("%q is nothing that can be asked of a deployment", c.Verb)
}

// did tells whether a deployment that has ended had done what is asked of it:
// whoever repeats a request whose reply was lost is not refused because the
// deployment was quick.
func (r Rollout) did(v Verb) bool {
	switch v {
	case Cancel:
		return r.Status().State == Cancelled
	case Reject:
		return r.End != nil && r.End.rejects()
	case Promote:
		return r.PromotedBy != "" || r.ReleasedBy != ""
	case Approve:
		return r.ApprovedBy != ""
	}
	return false
}

// rejects tells whether a person's no ends the deployment.
func (e Ending) rejects() bool {
	return e.Cause == CauseCanaryRejected || e.Cause == CauseNotApproved || e.Cause == CauseSwitchRejected
}

func (r Rollout) pause(c Control, now time.Time) (Rollout, error) {
	if r.Pause != nil {
		return r, nil
	}
	r.Pause = &Pause{Cause: CausePaused, Reason: c.Reason, By: c.By}
	if r.Phase == Held {
		r.Hold = r.gate(now)
	}
	return r, nil
}

func (r Rollout) resume(now time.Time) (Rollout, error) {
	if r.Pause == nil {
		if state := r.Status().State; state != Running {
			return r, refuse("the deployment is not paused but %s", state)
		}
		return r, nil
	}
	r.Pause = nil
	all, wave := r.Ended(), r.inWave()
	r.Forgiven, r.ForgivenInWave = all.Failed-all.Excused, wave.Failed-wave.Excused
	if r.Phase == Held {
		return r.proceed(now), nil
	}
	return r.widen(now), nil
}

func (r Rollout) promote(c Control, now time.Time) (Rollout, error) {
	switch {
	case r.keeps() && r.ReleasedBy == "":
		r.ReleasedBy = c.By
		return r.proceed(now), nil
	case r.PromotedBy != "" || r.ReleasedBy != "":
		return r, nil
	case !r.judged():
		return r, refuse("no canary waits for a verdict")
	}
	r.PromotedBy = c.By
	if r.Phase == Held {
		return r.proceed(now), nil
	}
	return r, nil
}

func (r Rollout) reject(c Control) (Rollout, error) {
	switch {
	case r.Policy.Approval != nil && r.ApprovedBy == "":
		return r.stop(Ending{State: Rejected, Cause: CauseNotApproved, Reason: c.Reason, By: c.By}), nil
	case r.judged() && r.PromotedBy == "":
		return r.stop(Ending{State: Failed, Cause: CauseCanaryRejected, Reason: c.Reason, By: c.By}), nil
	case r.keeps():
		return r.stop(Ending{State: Failed, Cause: CauseSwitchRejected, Reason: c.Reason, By: c.By}), nil
	}
	return r, refuse("neither a plan nor a canary waits for a verdict")
}

func (r Rollout) approve(c Control, now time.Time) (Rollout, error) {
	a := r.Policy.Approval
	switch {
	case a == nil:
		return r, refuse("the deployment needs no approval")
	case r.ApprovedBy != "":
		return r, nil
	case c.Digest != a.Digest:
		return r, refuse("the digest is not that of the plan, which is %s", a.Digest)
	case a.NotRequester && c.By == r.Actor:
		return r, refuse("whoever asked for the deployment cannot approve it")
	case !now.Before(a.Expires):
		return r, refuse("the time to approve it is up")
	}
	r.ApprovedBy = c.By
	if r.Phase == Held {
		return r.proceed(now), nil
	}
	return r, nil
}
