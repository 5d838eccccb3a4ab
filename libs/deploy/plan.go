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

// Plan returns the waves of a deployment of so many targets, in order: each of
// waveSize targets but the last, or one wave of all where waveSize is 0. The
// same request gives the same plan.
func Plan(targets, waveSize int) []Range {
	if targets <= 0 {
		return nil
	}
	if waveSize <= 0 || waveSize > targets {
		waveSize = targets
	}
	return chunks(Range{Count: targets}, waveSize)
}

// Pieces cuts a wave into runs of at most PieceSize targets.
func (r Range) Pieces() []Range { return chunks(r, PieceSize) }

// Contains says whether the target with this ordinal is in the range.
func (r Range) Contains(target int) bool {
	return target >= r.First && target < r.First+r.Count
}

// WaveOf returns the index of the wave that holds the target, and false where
// none does.
func WaveOf(waves []Range, target int) (int, bool) {
	for i, w := range waves {
		if w.Contains(target) {
			return i, true
		}
	}
	return 0, false
}

func chunks(r Range, size int) []Range {
	out := make([]Range, 0, (r.Count+size-1)/size)
	for at := 0; at < r.Count; at += size {
		out = append(out, Range{First: r.First + at, Count: min(size, r.Count-at)})
	}
	return out
}
