package rollouts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// piece returns the targets of a piece of the snapshot, or errSnapshot where it is
// not there.
func (s *Scheduler) piece(ctx context.Context, o order, piece int) ([]contract.Target, error) {
	key := snapshotKey(o.rollout.Snapshot, piece)
	if kept, ok := s.pieces.get(key); ok {
		return kept, nil
	}
	snapshot, _, err := s.snapshots.Get(ctx, key)
	if errors.Is(err, bus.ErrNone) {
		return nil, fmt.Errorf("%w: piece %d", errSnapshot, piece)
	}
	if err != nil {
		return nil, fmt.Errorf("read snapshot: %w", err)
	}
	targets, err := snapshot.Whole()
	if err != nil {
		return nil, fmt.Errorf("%w: piece %d: %w", errSnapshot, piece, err)
	}
	s.pieces.put(key, targets)
	return targets, nil
}

// eachTarget calls fn for each target of the range, many at once.
func (s *Scheduler) eachTarget(ctx context.Context, o order, within deploy.Range, fn func(context.Context, int, contract.Target) error) error {
	for at := within.First; at < within.First+within.Count; {
		piece := at / deploy.PieceSize
		targets, err := s.piece(ctx, o, piece)
		if err != nil {
			return err
		}
		first := piece * deploy.PieceSize
		end := min(first+len(targets), within.First+within.Count)
		if end <= at {
			return fmt.Errorf("%w: target %d", errSnapshot, at)
		}
		err = each(ctx, at, end-at, func(ctx context.Context, i int) error { return fn(ctx, i, targets[i-first]) })
		if err != nil {
			return err
		}
		at = end
	}
	return nil
}

// piecesKept is how many pieces of snapshots a replica keeps at hand: those of the
// deployments that it works on now, of up to some 100 KB each.
const piecesKept = 64

// pieceAge is how long a piece is at hand before it is read again.
const pieceAge = 10 * time.Second

// pieces keeps the pieces of snapshots that were read last. A wave lets hosts
// begin a few at a time, and each time would read the whole piece that they stand
// in. The targets of a piece never change, but what is sealed in it does, when keys
// are rotated: so it is kept for seconds, or jobs would go on naming an older key
// that nothing at rest names any more.
type pieces struct {
	mu    sync.Mutex
	kept  map[string]keptPiece
	order []string // of kept, the oldest first
}

type keptPiece struct {
	targets []contract.Target
	since   time.Time
}

func (p *pieces) get(key string) ([]contract.Target, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	piece, ok := p.kept[key]
	if !ok || time.Since(piece.since) >= pieceAge {
		return nil, false
	}
	return piece.targets, true
}

func (p *pieces) put(key string, targets []contract.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[string]keptPiece{}
	}
	if _, ok := p.kept[key]; !ok {
		if len(p.order) == piecesKept {
			delete(p.kept, p.order[0])
			p.order = p.order[1:]
		}
		p.order = append(p.order, key)
	}
	p.kept[key] = keptPiece{targets, time.Now()}
}
