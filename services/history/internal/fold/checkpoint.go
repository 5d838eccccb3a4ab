package fold

import (
	"context"
	"errors"
	"fmt"
)

// check writes the checkpoint, and so shows that this replica folds. It fails with
// errWentBack where the checkpoint is not there any more, and with errSuperseded
// where another replica folds. A store that is away is no failure: the next check
// follows.
func (f *Follower) check(ctx context.Context) error {
	now := f.now()
	err := f.store.PutCheckpoint(ctx, now, f.stored)
	switch {
	case err == nil:
		f.stored = now
	case errors.Is(err, ErrConflict):
		err = f.look(ctx)
	}
	f.folder.outage.note(ctx, err)
	if errors.Is(err, errWentBack) || errors.Is(err, errSuperseded) {
		return err
	}
	return nil
}

// now is the checkpoint that follows the stored one.
func (f *Follower) now() Checkpoint {
	return Checkpoint{Seq: f.position.Seq(), Installation: f.installation, Holder: f.id, Beat: f.stored.Beat + 1}
}

// look reads the checkpoint that is not the one that was expected.
func (f *Follower) look(ctx context.Context) error {
	have, err := f.store.Checkpoint(ctx)
	switch {
	case err != nil:
		return err
	case have.older(f.stored):
		return fmt.Errorf("%w: it stands at event %d and stood at %d", errWentBack, have.Seq, f.stored.Seq)
	case have.Holder != f.id:
		return fmt.Errorf("%w: it stands at event %d", errSuperseded, have.Seq)
	}
	f.stored = have // this replica's own, of which it was not told
	return nil
}

// startOver sets the checkpoint to before the first event, so that a crash on
// the way from there starts over as well.
func (f *Follower) startOver(ctx context.Context) {
	_ = f.folder.outage.insist(ctx, func() error { // it fails when ctx ends, alone
		have, err := f.store.Checkpoint(ctx)
		if err != nil {
			return err
		}
		return f.store.PutCheckpoint(ctx, Checkpoint{Installation: f.installation, Holder: f.id, Beat: have.Beat + 1}, have)
	})
	f.installation = ""
}

// leave notes how far the follower came, to spare the next one the way, and that
// its place is free.
func (f *Follower) leave(ctx context.Context) {
	if !f.holding || f.installation == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	now := f.now()
	now.Holder = ""
	_ = f.store.PutCheckpoint(ctx, now, f.stored) // without it, another one waits until it is sure
}
