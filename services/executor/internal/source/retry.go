package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// maxPause bounds how long a source is left alone between two tries.
const maxPause = 30 * time.Second

// Retry says how often a source is tried that does not answer.
type Retry struct {
	Tries int           // in a row that came no further
	Pause time.Duration // after the first of them; it doubles
}

// Later is an ErrUnreachable of a source that says when to come again.
type Later struct {
	Err   error
	After time.Duration
}

func (l Later) Error() string { return l.Err.Error() }
func (l Later) Unwrap() error { return l.Err }

// Do calls try until it succeeds or fails with anything but ErrUnreachable. A
// try that came further than those before is followed by as many again. It fails
// with the last error, or with what ended ctx.
func (r Retry) Do(ctx context.Context, try func(context.Context) (further bool, err error)) error {
	failed := 0
	for {
		further, err := try(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case !errors.Is(err, ErrUnreachable):
			return err
		case further:
			failed = 0
		}
		if failed++; failed >= r.Tries {
			return err
		}
		timer := time.NewTimer(r.wait(failed, err))
		select {
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w: %w", err, context.Cause(ctx))
		case <-timer.C:
		}
	}
}

// wait is the pause after so many failures: somewhere in the upper half of what
// is due, so that executors that failed together do not come back together.
func (r Retry) wait(failed int, err error) time.Duration {
	pause := min(r.Pause<<min(failed-1, 10), maxPause)
	if pause > 0 {
		pause = pause/2 + rand.N(pause/2+1) //nolint:gosec // no secret: it spreads executors
	}
	var later Later
	if errors.As(err, &later) {
		return max(pause, min(later.After, maxPause))
	}
	return pause
}
