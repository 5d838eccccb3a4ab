package deploy

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
// and waves of Size, the last of which may be smaller. It is small whatever the
// size of the fleet.
type Waves struct {
	Targets int `json:"targets"`
	First   int `json:"first,omitempty"`
	Size    int `json:"size"`
}

// Len is the number of waves.
func (w Waves) Len() int {
	if w.Size == 0 {
		return 0
	}
	rest := (max(w.Targets-w.First, 0) + w.Size - 1) / w.Size
	if w.First > 0 {
		rest++
	}
	return rest
}

// At returns the wave with this index.
func (w Waves) At(wave int) Range {
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
	case target < w.First:
		return 0, true
	case w.First > 0:
		return 1 + (target-w.First)/w.Size, true
	}
	return target / w.Size, true
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
