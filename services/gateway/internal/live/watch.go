package live

import (
	"context"
	"errors"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	// mostAtOnce is how many events are taken from a topic in one go.
	mostAtOnce = 256
	// ahead is how many events are read from EV before they are taken.
	ahead = 64
)

// Watch is somebody's view of a topic. It is for one goroutine.
type Watch struct {
	hub   *Hub
	who   string // whom it counts for
	topic *topic
	after uint64 // the event that was seen last
	fresh bool   // from now on

	joined bool // the topic has been enough once
	own    *replay
}

// Next waits for events and returns them, in order. It fails with ErrOver, ErrSlow or
// ErrClosed, where the broker came back without what was shown with ErrAhead, with the
// error of ctx, or with one of the broker.
func (w *Watch) Next(ctx context.Context) ([]*Event, error) {
	for {
		if w.own != nil {
			events, err := w.replayed(ctx)
			if err != nil || len(events) > 0 {
				return events, err
			}
			continue
		}
		if w.fresh {
			w.begin()
		}
		events, changed, covered, err := w.topic.since(w.after)
		switch {
		case !covered && w.joined:
			return nil, ErrSlow
		case !covered:
			w.own = w.hub.replay(w.topic.deployment, w.after) //nolint:contextcheck // Close ends it
			continue
		case len(events) > 0:
			w.joined = true
			w.after = events[len(events)-1].Seq
			return events, nil
		case err != nil:
			return nil, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// begin sets a watch of what comes from now on to where the topic stands.
func (w *Watch) begin() {
	w.topic.mu.Lock()
	defer w.topic.mu.Unlock()
	if w.topic.began {
		w.after, w.fresh = w.topic.last(), false
	}
}

// Close ends the watch.
func (w *Watch) Close() {
	if w.own != nil {
		w.own.stop()
	}
	w.hub.leave(w.who, w.topic)
}

// replayed takes events that are read for this watch alone, until the topic has those
// that follow.
func (w *Watch) replayed(ctx context.Context) ([]*Event, error) {
	select {
	case e, open := <-w.own.events:
		if !open {
			return nil, w.own.err
		}
		w.after = e.Seq
		if w.topic.covers(e.Seq) {
			w.own.stop()
			w.own = nil
		}
		return []*Event{e}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// covers says whether the topic has every event after this one.
func (t *topic) covers(seq uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.began && seq >= t.floor
}

// replay reads events for one watch.
type replay struct {
	events chan *Event // closed once err is set
	err    error
	stop   context.CancelFunc
}

func (h *Hub) replay(deployment string, after uint64) *replay {
	ctx, stop := context.WithCancel(h.ctx)
	r := &replay{events: make(chan *Event, ahead), stop: stop}
	h.all.Go(func() {
		defer close(r.events)
		defer stop()
		r.err = h.bus.Follow(ctx, contract.StreamEvents, subjects(deployment), after, func(s bus.Stored) error {
			e, err := show(s)
			if err != nil {
				bus.LogSubject(h.log.Warn(), s.Subject).Err(err).Uint64("seq", s.Seq).Msg("an event is not shown")
				return nil
			}
			select {
			case r.events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if h.ctx.Err() != nil && errors.Is(r.err, context.Canceled) {
			r.err = ErrClosed
		}
	})
	return r
}
