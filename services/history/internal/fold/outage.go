package fold

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
)

const (
	firstPause   = 10 * time.Millisecond
	longestPause = 2 * time.Second
)

// outage tells of a store that is away: once when it goes and once when it is
// back. Others than the log hear of it from the second failure on: one that the next
// try makes good is no outage to them.
type outage struct {
	since time.Time
	told  bool // others have heard of it
	log   zerolog.Logger
	tell  func(away bool) // from the goroutine that found it
}

// insist calls try until it succeeds, fails with ErrLost or ErrRefused, or
// ctx ends.
func (o *outage) insist(ctx context.Context, try func() error) error {
	var b backoff
	for {
		err := try()
		o.note(ctx, err)
		if err == nil || errors.Is(err, ErrLost) || errors.Is(err, ErrRefused) {
			return err
		}
		if !b.wait(ctx) {
			return context.Cause(ctx)
		}
	}
}

// note logs where err begins or ends an outage.
func (o *outage) note(ctx context.Context, err error) {
	away := err != nil
	for _, answered := range []error{ErrConflict, ErrLost, ErrRefused, errWentBack, errSuperseded} {
		away = away && !errors.Is(err, answered)
	}
	switch {
	case ctx.Err() != nil:
	case away && o.since.IsZero():
		o.since = time.Now()
		o.log.Warn().Err(err).Msg("the store is away, events wait")
	case away && !o.told:
		o.told = true
		o.tell(true)
	case !away && !o.since.IsZero():
		o.log.Info().Dur("after", time.Since(o.since)).Msg("the store is back")
		o.since = time.Time{}
		if o.told {
			o.told = false
			o.tell(false)
		}
	}
}

// backoff is the pause between tries: none before the first repeat, then
// doubling up to a bound.
type backoff struct{ next time.Duration }

// wait pauses and returns false where ctx ended.
func (b *backoff) wait(ctx context.Context) bool {
	pause := b.next
	b.next = min(max(2*pause, firstPause), longestPause)
	if pause == 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pause):
		return true
	}
}
