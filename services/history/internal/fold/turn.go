package fold

import (
	"context"
	"errors"
	"time"
)

const (
	// lookEvery is how often a replica that stands by reads the checkpoint: as long
	// a question to it may wait longer than one to the replica that folds.
	lookEvery = 50 * time.Millisecond
	// givenUpAfter is for how long the holder must show nothing of itself before
	// another one takes its place. It is measured by the clock of who waits.
	givenUpAfter = 5 * checkEvery
)

// take returns once this replica is the one that folds, and notes the checkpoint
// from which it goes on. Until then it stands by: position follows what the holder
// notes, and standingBy is called once.
//
// The place is held in the checkpoint, by compare-and-set, and is no more than good
// manners: a holder that was frozen and wakes up, or two that both believe to be
// the one, write what each document's own condition lets them.
func (f *Follower) take(ctx context.Context, installation string, standingBy func()) error {
	var w watch
	for {
		have, err := f.read(ctx)
		if err != nil {
			return err
		}
		if f.alone || have.Holder == "" || have.Holder == f.id || w.silent(have, time.Now()) {
			next := have
			next.Holder, next.Beat = f.id, have.Beat+1
			if next.Installation != installation {
				next.Installation, next.Seq = installation, 0
			}
			err := f.folder.outage.insist(ctx, func() error {
				err := f.store.PutCheckpoint(ctx, next, have)
				if errors.Is(err, ErrConflict) {
					return nil // another one was first, or this one was and did not hear of it
				}
				if err == nil {
					f.stored, f.holding = next, true
				}
				return err
			})
			if err != nil || f.holding {
				return err
			}
			continue
		}
		f.position.set(seqOn(have, installation))
		standingBy()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookEvery):
		}
	}
}

// read returns the checkpoint, waiting for the store.
func (f *Follower) read(ctx context.Context) (have Checkpoint, err error) {
	err = f.folder.outage.insist(ctx, func() error {
		have, err = f.store.Checkpoint(ctx)
		return err
	})
	return have, err
}

// seqOn is how far a checkpoint goes in the stream of this installation.
func seqOn(c Checkpoint, installation string) uint64 {
	if c.Installation != installation {
		return 0
	}
	return c.Seq
}

// watch is how long a checkpoint has been as it is.
type watch struct {
	last  Checkpoint
	since time.Time
}

// silent says whether its holder has shown nothing of itself for too long.
func (w *watch) silent(have Checkpoint, now time.Time) bool {
	if have != w.last || w.since.IsZero() {
		w.last, w.since = have, now
	}
	return now.Sub(w.since) >= givenUpAfter
}

// beat shows that this replica holds its place, until ctx ends or it has lost it.
func (f *Follower) beat(ctx context.Context) {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if f.check(ctx) != nil {
				return
			}
		}
	}
}

// settle waits until who held the place before has noticed that it lost it: it looks
// at least every checkEvery, between two batches.
func (f *Follower) settle(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(2 * checkEvery):
		return nil
	}
}
