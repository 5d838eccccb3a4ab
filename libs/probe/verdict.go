package probe

import (
	"net/http"
	"slices"
)

// Verdict is what a check, or a measurement of several, says about a canary.
type Verdict string

// The verdicts, from the best to the worst.
const (
	Pass         Verdict = "pass"
	Inconclusive Verdict = "inconclusive" // nothing was learnt
	Fail         Verdict = "fail"
)

var verdicts = []Verdict{Pass, Inconclusive, Fail}

// Verdicts returns all there are.
func Verdicts() []Verdict { return slices.Clone(verdicts) }

// And is the verdict of both together: the worse one.
func (v Verdict) And(other Verdict) Verdict {
	if slices.Index(verdicts, other) > slices.Index(verdicts, v) {
		return other
	}
	return v
}

// Methods returns those that an HTTP check may use; the first is the default.
func Methods() []string { return []string{http.MethodGet, http.MethodHead, http.MethodPost} }
