package fold

import (
	"context"
	"sync"
)

// Position is up to which event this replica has folded, for those who want to
// read what they wrote.
type Position struct {
	mu      sync.Mutex
	seq     uint64
	changed chan struct{} // closed when seq changes
}

// NewPosition returns a position before the first event.
func NewPosition() *Position { return &Position{changed: make(chan struct{})} }

// Seq is the sequence of the last event that the documents hold.
func (p *Position) Seq() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// Wait returns nil once the documents hold the event of this sequence, or why
// ctx ended before.
func (p *Position) Wait(ctx context.Context, seq uint64) error {
	for {
		p.mu.Lock()
		at, changed := p.seq, p.changed
		p.mu.Unlock()
		if at >= seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// set moves the position, back too: what was folded may have been lost.
func (p *Position) set(seq uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seq != p.seq {
		p.seq = seq
		close(p.changed)
		p.changed = make(chan struct{})
	}
}
