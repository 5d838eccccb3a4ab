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
	waiting int           // how many wait for a later one
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
		p.wait(1)
		select {
		case <-changed:
			p.wait(-1)
		case <-ctx.Done():
			p.wait(-1)
			return context.Cause(ctx)
		}
	}
}

func (p *Position) wait(more int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting += more
}

// awaited says whether somebody waits for the position to move on.
func (p *Position) awaited() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting > 0
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
