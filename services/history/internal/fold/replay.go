package fold

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// Replay folds the events that EV keeps into a store of its own, from the first one
// on.
type Replay struct {
	bus    *bus.Bus
	folder *Folder
	at     uint64 // last event folded

	// First is the first event that EV keeps; with 1, it has all there were.
	First uint64
	// Since is when EV began, or what it keeps of it: it has all that has happened since then.
	Since time.Time
	// Installation is whose EV it is.
	Installation string
}

// NewReplay returns a replay into a store that is empty, and looks at EV.
func NewReplay(ctx context.Context, b *bus.Bus, store Store, log zerolog.Logger) (*Replay, error) {
	info, err := events(ctx, b)
	if err != nil {
		return nil, err
	}
	if err := store.Prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare the store: %w", err)
	}
	r := &Replay{bus: b, First: max(info.State.FirstSeq, 1), Since: info.Created, Installation: installationOf(info)}
	switch {
	case info.State.Msgs > 0 && r.First > 1:
		r.Since = info.State.FirstTime
	case r.First > 1: // nothing is kept
		r.Since = time.Now()
	}
	r.folder = NewFolder(store, r.Installation, log)
	return r, nil
}

// Run folds what there is by now and has not been folded, and returns the sequence
// of the last event.
func (r *Replay) Run(ctx context.Context) (uint64, error) {
	info, err := r.look(ctx)
	if err != nil {
		return 0, err
	}
	last := info.State.LastSeq
	if info.State.Msgs == 0 || r.at == last {
		return last, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	entries := make(chan Entry, queued)
	ended := make(chan error, 1)
	go func() {
		defer close(entries)
		ended <- tail(ctx, r.bus, max(r.at, r.First-1), entries)
	}()
	defer func() {
		cancel()
		for range entries { // until tail has ended
		}
	}()
	var restless pace // its store is nobody else's
	for r.at < last {
		batch, open := nextBatch(entries, nil, &restless)
		if len(batch) > 0 {
			if err := r.folder.Gather(ctx, batch); err != nil {
				return 0, err
			}
			r.at = batch[len(batch)-1].Seq
		}
		if !open && r.at < last {
			return 0, <-ended
		}
		if r.folder.Full() {
			if err := r.folder.Place(ctx); err != nil {
				return 0, err
			}
		}
	}
	return r.at, r.folder.Place(ctx)
}

// Last returns the sequence of the last event that there is by now.
func (r *Replay) Last(ctx context.Context) (uint64, error) {
	info, err := r.look(ctx)
	if err != nil {
		return 0, err
	}
	return info.State.LastSeq, nil
}

// look looks at EV, and whether it is still the one that is replayed.
func (r *Replay) look(ctx context.Context) (*jetstream.StreamInfo, error) {
	info, err := events(ctx, r.bus)
	if err == nil && (installationOf(info) != r.Installation || info.State.LastSeq < r.at) {
		err = fmt.Errorf("%w: %s is another stream now", errCutShort, contract.StreamEvents)
	}
	return info, err
}

// Take has the replicas that fold into a store stand by, until the function that it
// returns is called. They notice within the time that it takes.
func Take(ctx context.Context, store Store, log zerolog.Logger) (release func(), err error) {
	f := &Follower{store: store, position: NewPosition(), folder: NewFolder(store, "", log), id: "rebuild", alone: true}
	at, err := store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if err := f.take(ctx, at.Installation, func() {}); err != nil {
		return nil, err
	}
	f.installation = at.Installation
	f.position.set(f.stored.Seq)
	beat, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f.beat(beat)
	}()
	return func() { stop(); <-stopped; f.leave(ctx) }, f.settle(ctx)
}
