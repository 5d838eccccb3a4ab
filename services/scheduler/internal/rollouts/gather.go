package rollouts

import (
	"context"
	"sync"

	"github.com/slipway-deploy/slipway/libs/bus"
)

// gathering is what ended and is not recorded yet. What ends of a deployment while this
// replica records what ended of it before is recorded in one go after that: hosts of a wave
// end at the same time, and each record is a read and a write of the same few values.
type gathering struct {
	record    func(id string, b batch) (after func())
	recording *groups
	following *groups // apart, so that what follows from a record holds up none of the same deployment

	mu      sync.Mutex
	taken   sync.Cond
	waiting map[string][]batch // by deployment; there for as long as one is recorded
	count   int                // of the endings in there
}

// mostGathered is how many endings may wait: each keeps its lease by heartbeats meanwhile.
const mostGathered = 4096

// batch are endings of one deployment, with the lease on their inputs.
type batch struct {
	ctx     context.Context //nolint:containedctx // it ends with the lease on any of them
	release func()
	endings []ending
}

// newGathering returns one in which record notes a batch, of atOnce deployments at once, and
// returns what is to be done after that.
func newGathering(atOnce int, record func(id string, b batch) (after func())) *gathering {
	g := &gathering{record: record, recording: newGroups(atOnce), following: newGroups(atOnce), waiting: map[string][]batch{}}
	g.taken.L = &g.mu
	return g
}

// add has a batch recorded, with what else is gathered by then, in one goroutine for a
// deployment. It waits while too much is gathered, and for a free place if another is needed.
func (g *gathering) add(ctx context.Context, id string, b batch) {
	g.mu.Lock()
	for g.count > 0 && g.count+len(b.endings) > mostGathered {
		g.taken.Wait()
	}
	_, under := g.waiting[id]
	g.waiting[id] = append(g.waiting[id], b)
	g.count += len(b.endings)
	g.mu.Unlock()
	if under {
		return
	}
	g.recording.Go(func() {
		for all := g.take(id); len(all) > 0; all = g.take(id) {
			g.following.Go(g.record(id, join(ctx, all)))
		}
	})
}

// take returns what has been gathered, but not more than is read at once: what is wrong with
// one spoils all that is recorded with it. A batch of which the lease is lost spoils none.
// With nothing, whoever comes next begins anew.
func (g *gathering) take(id string) []batch {
	g.mu.Lock()
	defer g.mu.Unlock()
	var some []batch
	all := g.waiting[id]
	for count := 0; len(all) > 0 && (count == 0 || count+len(all[0].endings) <= eventBatch); all = all[1:] {
		b := all[0]
		g.count -= len(b.endings)
		if b.ctx.Err() != nil { // it comes again
			b.release()
			continue
		}
		some, count = append(some, b), count+len(b.endings)
	}
	g.waiting[id] = all
	if len(some) == 0 {
		delete(g.waiting, id)
	}
	g.taken.Broadcast()
	return some
}

// Wait waits for all that runs.
func (g *gathering) Wait() {
	g.recording.Wait()
	g.following.Wait()
}

// join makes one batch of some, of which the lease is lost when that on any is.
func join(ctx context.Context, all []batch) batch {
	if len(all) == 1 {
		return all[0]
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var endings []ending
	var after []func()
	for _, b := range all {
		endings = append(endings, b.endings...)
		stop := context.AfterFunc(b.ctx, func() { cancel(context.Cause(b.ctx)) }) //nolint:contextcheck // it is that of the batch
		after = append(after, func() { stop(); b.release() })
	}
	return batch{ctx, func() {
		for _, fn := range after {
			fn()
		}
		cancel(context.Canceled)
	}, endings}
}

func (b batch) inputs() []*bus.Delivery {
	all := make([]*bus.Delivery, len(b.endings))
	for i, e := range b.endings {
		all[i] = e.input
	}
	return all
}
