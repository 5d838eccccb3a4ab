package fold

import (
	"sync"
	"sync/atomic"
)

// gate lets others act on documents while none are folded, while all that was folded is
// placed, and while this replica is the one that folds.
type gate struct {
	mu       sync.Mutex
	moved    *sync.Cond  // on mu: what others wait for may have come
	open     atomic.Bool // written under mu; read also while a batch is folded, which may take long
	unplaced bool        // something has arrived that is not written
	waiting  int
}

func newGate() *gate {
	g := &gate{}
	g.moved = sync.NewCond(&g.mu)
	return g
}

func (g *gate) set(open, unplaced bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open.Store(open)
	g.unplaced = unplaced
	g.moved.Broadcast()
}

// awaited says whether somebody waits until all is placed.
func (g *gate) awaited() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting > 0
}

// Folding says whether this replica is the one that folds, at once: also while it
// waits for a store that is away.
func (f *Follower) Folding() bool { return f.gate.open.Load() }

// Between calls do between two batches, so that nothing is folded meanwhile, and
// returns what it does. What was folded before is written by then, what runs where
// included: it follows from documents that do may remove. It fails with ErrStandingBy
// where this replica does not fold. What do takes, events wait.
func (f *Follower) Between(do func() error) error {
	g := f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting++
	for g.open.Load() && g.unplaced {
		g.moved.Wait()
	}
	g.waiting--
	if !g.open.Load() {
		return ErrStandingBy
	}
	return do()
}

// fold folds a batch, or places what has arrived, while nobody else acts on documents.
func (f *Follower) fold(fold func() error) error {
	g := f.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	err := fold()
	g.unplaced = f.folder.Arriving()
	g.moved.Broadcast()
	return err
}
