package rollouts

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
)

// groups runs functions in goroutines, so many at once.
type groups struct{ errgroup.Group }

func newGroups(limit int) *groups {
	g := &groups{}
	g.SetLimit(limit)
	return g
}

// Go waits for a free place and runs fn there.
func (g *groups) Go(fn func()) { g.Group.Go(func() error { fn(); return nil }) }

// Wait waits for all that runs.
func (g *groups) Wait() { _ = g.Group.Wait() }

// each calls fn for the numbers from first on, fanOut at once, and returns an
// error if one fails. It calls for the others all the same: a host that cannot
// be served delays no other.
func each(ctx context.Context, first, count int, fn func(ctx context.Context, i int) error) error {
	var g errgroup.Group
	g.SetLimit(fanOut)
	for i := first; i < first+count; i++ {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return fn(ctx, i) })
	}
	return g.Wait()
}

// keyedMutex keeps two goroutines of this replica from the same outputs. It
// saves work; correctness does not rest on it.
type keyedMutex struct {
	mu   sync.Mutex
	held map[string]*keyLock
}

type keyLock struct {
	sync.Mutex
	users int
}

func (k *keyedMutex) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.held == nil {
		k.held = map[string]*keyLock{}
	}
	l := k.held[key]
	if l == nil {
		l = &keyLock{}
		k.held[key] = l
	}
	l.users++
	k.mu.Unlock()
	l.Lock()
	return func() {
		l.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.held, key)
		}
	}
}
