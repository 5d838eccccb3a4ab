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

// Waves is a plan: targets in order, cut into waves of Size, the last of which
// may be smaller. It is small whatever the size of the fleet.
type Waves struct {
	Targets int `json:"targets"`
	Size    int `json:"size"`
}

// Plan returns the waves of a deployment of so many targets: each of waveSize
// targets but the last, or one wave of all where waveSize is 0. The same
// request gives the same plan.
func Plan(targets, waveSize int) Waves {
	targets = max(targets, 0)
	if waveSize <= 0 || waveSize > targets {
		waveSize = targets
	}
	return Waves{Targets: targets, Size: waveSize}
}

// Len is the number of waves.
func (w Waves) Len() int {
	if w.Size == 0 {
		return 0
	}
	return (w.Targets + w.Size - 1) / w.Size
}

// At returns the wave with this index.
func (w Waves) At(wave int) Range {
	first := wave * w.Size
	return Range{First: first, Count: min(w.Size, w.Targets-first)}
}

// Of returns the index of the wave that holds the target, and false where none
// does.
func (w Waves) Of(target int) (wave int, ok bool) {
	if target < 0 || target >= w.Targets {
		return 0, false
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
