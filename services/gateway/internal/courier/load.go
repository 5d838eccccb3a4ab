package courier

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	// promptly is for how long a delivery may be in memory alone.
	promptly = 2 * time.Second
	// maxLoads is how many loads may wait.
	maxLoads = 4096
)

// load is what follows from a batch of events, until the record moves on over them.
type load struct {
	seq     uint64    // the last event
	ended   uint64    // place in HOOKED: what ended before is of events before
	made    time.Time // when
	over    []string  // callbacks that are told of nothing after this
	parcels []*parcel // that were not stored
	left    atomic.Int64
	done    chan struct{} // closed once each of them is stored or has ended
}

func newLoad(seq, ended uint64) *load {
	l := &load{seq: seq, ended: ended, made: time.Now(), done: make(chan struct{})}
	l.left.Store(1) // until all are added
	return l
}

func (l *load) add(p *parcel) {
	l.parcels = append(l.parcels, p)
	l.left.Add(1)
}

func (l *load) less() {
	if l.left.Add(-1) == 0 {
		close(l.done)
	}
}

// move moves the record on over one load after the other, until open ends or the record is another's.
func (r *router) move(s span) error {
	for {
		select {
		case l := <-r.loads:
			if err := r.pass(s, l); err != nil {
				return err
			}
		case <-s.open.Done():
			return nil
		}
	}
}

// pass waits until nothing of a load is in memory alone, or stores it after a while, and moves the record on.
func (r *router) pass(s span, l *load) error {
	late := time.NewTimer(time.Until(l.made.Add(promptly)))
	defer late.Stop()
	select {
	case <-l.done:
	case <-late.C:
	case <-s.open.Done():
		return nil // whoever comes next makes it anew
	}
	for {
		err := r.settle(s.work, l)
		switch {
		case err == nil, errors.Is(err, errDeposed):
			return err
		case s.open.Err() != nil:
			return nil
		}
		r.log.Warn().Err(err).Msg("deliveries cannot be stored; it is tried again")
		pause(s.open, time.Second)
	}
}

func (r *router) settle(ctx context.Context, l *load) error {
	storing, within := errgroup.WithContext(ctx)
	storing.SetLimit(addsAtOnce)
	for _, p := range l.parcels {
		storing.Go(func() error { return r.office.secure(within, p) })
	}
	if err := storing.Wait(); err != nil {
		return err
	}
	for _, id := range l.over {
		if err := r.store.Ended(ctx, id, time.Now()); err != nil {
			return err
		}
	}
	return r.duty.write(ctx, func(d *record) {
		if l.seq > d.Seq {
			d.Seq, d.Ended = l.seq, max(d.Ended, l.ended)
		}
	})
}

// past is what became of deliveries of events that the record does not cover, before this gateway was the courier.
type past struct {
	upTo  uint64 // no later event is among them
	ended map[string]bool
	under map[string]bool // stored
}

// note adds a delivery.
func (p *past) note(to map[string]bool, e webhooks.Entry) {
	to[e.Key] = true
	p.upTo = max(p.upTo, e.Seq())
}

// left returns those of the deliveries that have not ended.
func (p *past) left(made []webhooks.Delivery) []webhooks.Delivery {
	return slices.DeleteFunc(made, func(d webhooks.Delivery) bool { return p.ended[webhooks.Unstored(d).Key] })
}
