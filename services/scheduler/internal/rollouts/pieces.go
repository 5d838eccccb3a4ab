package rollouts

import (
	"sync"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// piecesKept is how many pieces of snapshots a replica keeps at hand: those of the
// deployments that it works on now, of up to some 100 KB each.
const piecesKept = 64

// pieces keeps the pieces of snapshots that were read last. A wave lets hosts
// begin a few at a time, and each time would read the whole piece that they stand
// in. A piece never changes: its key is that of one snapshot, which is written once.
type pieces struct {
	mu    sync.Mutex
	kept  map[string]contract.SnapshotPiece
	order []string // of kept, the oldest first
}

func (p *pieces) get(key string) (contract.SnapshotPiece, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	piece, ok := p.kept[key]
	return piece, ok
}

func (p *pieces) put(key string, piece contract.SnapshotPiece) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.kept[key]; ok {
		return
	}
	if p.kept == nil {
		p.kept = map[string]contract.SnapshotPiece{}
	}
	if len(p.order) == piecesKept {
		delete(p.kept, p.order[0])
		p.order = p.order[1:]
	}
	p.kept[key], p.order = piece, append(p.order, key)
}
