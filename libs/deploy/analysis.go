package deploy

import (
	"fmt"
	"time"
)

// Analysis says how measurements judge a canary. What is measured is not the
// business of this package.
type Analysis struct {
	Interval     time.Duration `json:"interval"`               // between two measurements, and before the first, ns
	Successes    int           `json:"successes"`              // that promote the canary
	Failures     int           `json:"failures,omitempty"`     // that are tolerated
	Inconclusive int           `json:"inconclusive,omitempty"` // in a row, that are tolerated
}

// Measurement is what one measurement of a canary says.
type Measurement string

// What a measurement may say.
const (
	Passed       Measurement = "pass"
	Missed       Measurement = "fail"
	Inconclusive Measurement = "inconclusive" // what was to be measured could not be
)

// AnalysisActor stands for the person who promotes, where measurements did.
const AnalysisActor = "analysis"

// Judging is how far the measurements of a canary have come.
type Judging struct {
	Next      time.Time `json:"next"` // measurement; zero: they have come to an end
	Made      int       `json:"made"`
	Successes int       `json:"successes"`
	Needed    int       `json:"needed"`
	Failures  int       `json:"failures,omitempty"`
	Unclear   int       `json:"unclear,omitempty"` // in a row
	Last      string    `json:"last,omitempty"`    // what the last one said, in words
}

func (j Judging) open() bool { return !j.Next.IsZero() }

// String says how the canary does.
func (j Judging) String() string {
	text := fmt.Sprintf("%d of %d measurements passed, %d failed", j.Successes, j.Needed, j.Failures)
	if j.Last != "" {
		text += "; the last: " + j.Last
	}
	return text
}

// judge has the canary, whose wave has ended, judged by whom the strategy names.
func (r Rollout) judge(now time.Time) Rollout {
	if a := r.Policy.Strategy.Analysis; a != nil {
		r.Judging = &Judging{Next: now.Add(a.Interval), Needed: a.Successes}
		return r
	}
	return r.askPerson(now)
}

func (r Rollout) askPerson(now time.Time) Rollout {
	if hold := r.Policy.Strategy.Hold; hold > 0 {
		r.Verdict = now.Add(hold)
	}
	return r
}

// judged says whether a canary is, or was, up for a verdict.
func (r Rollout) judged() bool { return r.Judging != nil || !r.Verdict.IsZero() }

// Measures says whether the canary is to be measured now, and how many
// measurements there were before.
func (r Rollout) Measures(now time.Time) (made int, due bool) {
	if r.Phase != Held || r.Hold.Kind != ForAnalysis || now.Before(r.Hold.Until) {
		return 0, false
	}
	return r.Judging.Made, true
}

// Measured takes in a measurement, the one that so many were made before; several
// replicas may have made it, and the first counts. What it found is told in
// words.
func (r Rollout) Measured(made int, m Measurement, found string, now time.Time) Rollout {
	if made2, due := r.Measures(now); !due || made2 != made {
		return r
	}
	a, j := r.Policy.Strategy.Analysis, *r.Judging
	j.Made, j.Last, j.Next = j.Made+1, found, now.Add(a.Interval)
	switch m {
	case Passed:
		j.Successes, j.Unclear = j.Successes+1, 0
	case Missed:
		j.Failures, j.Unclear = j.Failures+1, 0
	default:
		j.Unclear++
	}
	r.Judging = &j
	switch {
	case j.Failures > a.Failures:
		return r.stop(Ending{State: Failed, Cause: CauseAnalysis, Reason: "the " + r.candidate() + " did not pass its analysis: " + j.String()})
	case j.Unclear > a.Inconclusive:
		return r.stop(Ending{State: Failed, Cause: CauseAnalysis, Reason: "the " + r.candidate() + " could not be measured: " + j.String()})
	case j.Successes >= a.Successes:
		j.Next = time.Time{}
		if r = r.askPerson(now); r.Verdict.IsZero() {
			r.PromotedBy = AnalysisActor
		}
	}
	return r.proceed(now)
}
