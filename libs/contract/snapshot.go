package contract

import (
	"encoding/json"
	"fmt"
)

// PieceOf returns the piece of a snapshot that holds these targets.
func PieceOf(targets []Target) SnapshotPiece {
	piece := SnapshotPiece{Targets: make([]Target, len(targets))}
	ways, place := make([][]int, len(targets)), map[string]int{}
	for i, t := range targets {
		for _, hop := range t.Via {
			text, _ := json.Marshal(hop) // strings, numbers and booleans: that cannot fail
			at, known := place[string(text)]
			if !known {
				at = len(piece.Hops)
				place[string(text)], piece.Hops = at, append(piece.Hops, hop)
			}
			ways[i] = append(ways[i], at)
		}
		t.Via = nil
		piece.Targets[i] = t
	}
	if len(piece.Hops) > 0 {
		piece.Ways = ways
	}
	return piece
}

// Whole returns the targets with their jump hosts. It fails with ErrMalformed
// where the piece does not say which they are.
func (p SnapshotPiece) Whole() ([]Target, error) {
	if len(p.Ways) == 0 {
		return p.Targets, nil
	}
	if len(p.Ways) != len(p.Targets) {
		return nil, fmt.Errorf("%w: %d targets and %d ways to them", ErrMalformed, len(p.Targets), len(p.Ways))
	}
	whole := make([]Target, len(p.Targets))
	for i, t := range p.Targets {
		for _, at := range p.Ways[i] {
			if at < 0 || at >= len(p.Hops) {
				return nil, fmt.Errorf("%w: there is no hop %d", ErrMalformed, at)
			}
			t.Via = append(t.Via, p.Hops[at])
		}
		whole[i] = t
	}
	return whole, nil
}
