package deploy

import "slices"

// PieceSize is the number of targets that travel, rest and are counted
// together: a bucket of a document, a piece of a snapshot, a page of results.
// It bounds every message and document, however large the fleet is.
const PieceSize = 100

// Range is a run of targets by their ordinal in the deployment, from First on.
type Range struct {
	First int `json:"first"`
	Count int `json:"count"`
}

// Waves is a plan: targets in order, cut into a wave of First if that is not 0,
// and waves of Size, the last of which may be smaller; or into Sets, where there
// are any. It is small whatever the size of the fleet.
type Waves struct {
	Targets int   `json:"targets"`
	First   int   `json:"first,omitempty"`
	Size    int   `json:"size"`
	Sets    []int `json:"sets,omitempty"`
}

// Len is the number of waves.
func (w Waves) Len() int {
	if len(w.Sets) > 0 {
		return len(w.Sets)
	}
	if w.Size == 0 {
		return 0
	}
	rest := (max(w.Targets-w.First, 0) + w.Size - 1) / w.Size
	if w.First > 0 {
		rest++
	}
	return rest
}

// At returns the wave with this index. The one after the last of Sets is empty.
func (w Waves) At(wave int) Range {
	if len(w.Sets) > 0 {
		return w.set(wave)
	}
	if w.First > 0 {
		if wave == 0 {
			return Range{First: 0, Count: min(w.First, w.Targets)}
		}
		wave--
	}
	first := w.First + wave*w.Size
	return Range{First: first, Count: min(w.Size, w.Targets-first)}
}

// Of returns the index of the wave that holds the target, and false where none
// does.
func (w Waves) Of(target int) (wave int, ok bool) {
	switch {
	case target < 0 || target >= w.Targets:
		return 0, false
	case len(w.Sets) > 0:
		for !w.set(wave).Contains(target) {
			wave++
		}
		return wave, true
	case target < w.First:
		return 0, true
	case w.First > 0:
		return 1 + (target-w.First)/w.Size, true
	}
	return target / w.Size, true
}

// Widest is how many targets the largest wave has.
func (w Waves) Widest() int {
	return slices.Max(append(slices.Clone(w.Sets), min(w.First, w.Targets), min(w.Size, w.Targets)))
}

func (w Waves) set(wave int) Range {
	r := Range{First: w.Targets}
	if wave < len(w.Sets) {
		r.First, r.Count = 0, w.Sets[wave]
		for _, before := range w.Sets[:wave] {
			r.First += before
		}
	}
	return r
}

// Pieces cuts a wave into runs of at most PieceSize targets.
func (r Range) Pieces() []Range {
	pieces := make([]Range, 0, (r.Count+PieceSize-1)/PieceSize)
	for at := 0; at < r.Count; at += PieceSize {
		pieces = append(pieces, Range{First: r.First + at, Count: min(PieceSize, r.Count-at)})
	}
	return pieces
}

// Contains says whether the target with this ordinal is in the range.
func (r Range) Contains(target int) bool {
	return target >= r.First && target < r.First+r.Count
}
