package fold

import (
	"context"
	"errors"
	"fmt"
)

// check writes the checkpoint where it has moved on, and else looks whether it
// is still there. It fails with errWentBack where it is not. A store that is
// away is no failure: the next check follows.
func (f *Follower) check(ctx context.Context) error {
	now := Checkpoint{Seq: f.position.Seq(), Installation: f.installation}
	moved := now.Installation != f.stored.Installation || now.Seq > f.stored.Seq
	var err error
	if moved {
		if err = f.store.PutCheckpoint(ctx, now, f.stored); err == nil {
			f.stored = now
		}
	}
	if !moved || errors.Is(err, ErrConflict) {
		err = f.look(ctx)
	}
	f.folder.outage.note(ctx, err)
	if errors.Is(err, errWentBack) {
		return err
	}
	return nil
}

// look reads the checkpoint, which another replica may have moved on.
func (f *Follower) look(ctx context.Context) error {
	have, err := f.store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	if have.older(f.stored) {
		return fmt.Errorf("%w: it stands at event %d and stood at %d", errWentBack, have.Seq, f.stored.Seq)
	}
	f.stored = have
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
		return f.store.PutCheckpoint(ctx, Checkpoint{Installation: f.installation}, have)
	})
	f.installation = ""
}

// leave notes how far the follower came, to spare the next one the way.
func (f *Follower) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if now := (Checkpoint{Seq: f.position.Seq(), Installation: f.installation}); now.Seq > f.stored.Seq && now.Installation != "" {
		_ = f.store.PutCheckpoint(ctx, now, f.stored) // without it, some events are folded again
	}
}
