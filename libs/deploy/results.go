package deploy

import (
	"fmt"
	"slices"
)

// Tally counts ended targets by outcome.
type Tally struct {
	Succeeded int `json:"succeeded,omitempty"`
	Failed    int `json:"failed,omitempty"`
	Skipped   int `json:"skipped,omitempty"`
	Cancelled int `json:"cancelled,omitempty"`
	// Excused is how many of the failed ones a budget does not count.
	Excused int `json:"excused,omitempty"`
	// Beyond is how many of all were skipped by a person before they might begin: no
	// place at work comes free with them. It is as of when it was counted.
	Beyond int `json:"beyond,omitempty"`
}

// Add returns the sum of both.
func (t Tally) Add(o Tally) Tally {
	return Tally{
		t.Succeeded + o.Succeeded, t.Failed + o.Failed, t.Skipped + o.Skipped,
		t.Cancelled + o.Cancelled, t.Excused + o.Excused, t.Beyond + o.Beyond,
	}
}

// Total is how many targets have ended.
func (t Tally) Total() int { return t.Succeeded + t.Failed + t.Skipped + t.Cancelled }

// Results holds how each target of one piece ended; an empty state is a target
// that has not.
type Results struct {
	First    int     `json:"first"`
	Outcomes []State `json:"outcomes"`
	Excused  []int   `json:"excused,omitempty"` // targets whose failure a budget does not count
}

// NewResults returns the results of a piece in which nothing has ended.
func NewResults(piece Range) Results {
	return Results{First: piece.First, Outcomes: make([]State, piece.Count)}
}

// Ended returns how the target ended, or "" where it has not.
func (r Results) Ended(target int) State { return r.Outcomes[target-r.First] }

// Record notes how a target ended, and whether a failure is excused. The first
// outcome stands: a second changes nothing.
func (r Results) Record(target int, outcome State, excused bool) (Results, error) {
	i := target - r.First
	if i < 0 || i >= len(r.Outcomes) {
		return r, fmt.Errorf("%w: target %d in a piece of %d from %d", ErrNoSuchTarget, target, len(r.Outcomes), r.First)
	}
	if !outcome.Terminal() {
		return r, fmt.Errorf("%w: %q does not end a target", ErrNotTerminal, outcome)
	}
	if r.Outcomes[i] != "" {
		return r, nil
	}
	r.Outcomes = slices.Clone(r.Outcomes)
	r.Outcomes[i] = outcome
	if excused && outcome == Failed {
		r.Excused = append(slices.Clone(r.Excused), target)
	}
	return r, nil
}

// Tally counts how the targets of the piece have ended, where those below limit
// might begin.
func (r Results) Tally(limit int) Tally {
	t := Tally{Excused: len(r.Excused)}
	for i, o := range r.Outcomes {
		if o != "" && r.First+i >= limit {
			t.Beyond++
		}
		switch o {
		case Succeeded:
			t.Succeeded++
		case Failed:
			t.Failed++
		case Skipped:
			t.Skipped++
		case Cancelled:
			t.Cancelled++
		}
	}
	return t
}

// newerThan says whether t knows more than what was known: of another end, or that
// a target which had ended might begin meanwhile.
func (t Tally) newerThan(known Tally) bool {
	return t.Total() > known.Total() || t.Total() == known.Total() && t.Beyond < known.Beyond
}
