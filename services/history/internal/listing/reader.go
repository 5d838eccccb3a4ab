package listing

import (
	"context"
	"slices"
	"sync"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// reader has something read in the background: once, unless it is told to again or it
// failed.
type reader struct {
	ctx  context.Context //nolint:containedctx // of all that is read, until close
	stop context.CancelFunc
	all  sync.WaitGroup

	mu   sync.Mutex
	last *reading // nil: none has begun
}

type reading struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // once it is done
}

func newReader() *reader {
	r := &reader{}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// close ends what goes on and waits for it.
func (r *reader) close() {
	r.stop()
	r.all.Wait()
}

// again begins anew. What is being read has its context ended before that.
func (r *reader) again(read func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil {
		r.last.cancel()
	}
	r.begin(read)
}

func (r *reader) begin(read func(context.Context) error) {
	ctx, cancel := context.WithCancel(r.ctx)
	now := &reading{cancel: cancel, done: make(chan struct{})}
	r.last = now
	r.all.Go(func() {
		defer close(now.done)
		defer cancel()
		now.err = read(ctx)
	})
}

// await waits until it is read, and begins with that where it has not begun or the last
// time failed. What goes on when ctx ends goes on.
func (r *reader) await(ctx context.Context, read func(context.Context) error) error {
	r.mu.Lock()
	if r.last == nil || r.last.failed() {
		r.begin(read) //nolint:contextcheck // it goes on when ctx ends
	}
	now := r.last
	r.mu.Unlock()
	select {
	case <-now.done:
		return now.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *reading) failed() bool {
	select {
	case <-r.done:
		return r.err != nil
	default:
		return false
	}
}

// readAll takes in what is stored, but for what was put meanwhile: that is newer.
func (l *Listing) readAll(ctx context.Context) error {
	var stored []deploy.Header
	var found []*entry
	err := l.source.EachHeader(ctx, func(h deploy.Header) error {
		if h.AcceptedAt.IsZero() {
			return nil
		}
		stored = append(stored, h)
		if len(stored) == l.kept {
			found = l.oldWithout(append(found, l.entriesOf(stored)...))
			stored = stored[:0]
		}
		return nil
	})
	if err != nil {
		return err
	}
	found = append(found, l.entriesOf(stored)...)
	hosts := map[string][]uint32{}
	err = l.source.EachHosts(ctx, func(h deploy.Hosts) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.add(hosts, h)
		return nil
	})
	if err != nil {
		return err
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if ctx.Err() != nil { // it was told to read again
		return context.Cause(ctx)
	}
	for _, e := range found {
		if _, known := l.all[e.place.ID]; !known {
			l.order = append(l.order, e)
			l.all[e.place.ID] = e
		}
	}
	l.order = l.oldWithout(l.order)
	for id, some := range hosts {
		all := slices.Concat(l.hosts[id], some)
		slices.Sort(all)
		l.hosts[id] = slices.Compact(all)
	}
	return nil
}

func (l *Listing) entriesOf(headers []deploy.Header) []*entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := make([]*entry, 0, len(headers))
	for _, h := range headers {
		entries = append(entries, l.entryOf(h))
	}
	return entries
}

// oldWithout puts entries in order and drops the whole headers of those that are not
// among the newest.
func (l *Listing) oldWithout(entries []*entry) []*entry {
	slices.SortFunc(entries, func(a, b *entry) int { return a.place.Compare(b.place) })
	for _, e := range entries[:max(len(entries)-l.kept, 0)] {
		e.whole = nil
	}
	return entries
}
