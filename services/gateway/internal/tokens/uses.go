package tokens

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
)

const (
	useEvery = time.Minute     // that a use is written, at most
	useLimit = 5 * time.Second // for the broker to take one
)

// uses is which tokens were seen and when. Requests note it in memory; KeepUses writes
// it, beside them.
type uses struct {
	log  zerolog.Logger
	wake chan struct{}

	mu      sync.Mutex
	noted   map[string]time.Time // by key; what is older than useEvery is forgotten
	waiting map[string]time.Time
}

func newUses(log zerolog.Logger) *uses {
	return &uses{log: log, wake: make(chan struct{}, 1), noted: map[string]time.Time{}, waiting: map[string]time.Time{}}
}

func (u *uses) note(key string, t Token, now time.Time) {
	if t.UsedAt != nil && now.Sub(*t.UsedAt) < useEvery {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.noted[key]) < useEvery {
		return
	}
	u.noted[key], u.waiting[key] = now, now
	select {
	case u.wake <- struct{}{}:
	default:
	}
}

// take returns what is to be written.
func (u *uses) take(now time.Time) map[string]time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, at := range u.noted {
		if now.Sub(at) >= useEvery {
			delete(u.noted, key)
		}
	}
	taken := u.waiting
	u.waiting = map[string]time.Time{}
	return taken
}

// KeepUses writes when tokens were last seen, until ctx ends: of each at most once a
// minute. What cannot be written is let go: the next use says it better.
func (s *Store) KeepUses(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.uses.wake:
		}
		for key, at := range s.uses.take(time.Now()) {
			brief, cancel := context.WithTimeout(ctx, useLimit)
			if err := s.used(brief, key, at.UTC().Truncate(time.Second)); err != nil && ctx.Err() == nil {
				s.uses.log.Debug().Err(err).Msg("when a token was last seen cannot be stored")
			}
			cancel()
		}
	}
}

// used writes that the token was seen. One that was revoked meanwhile stays so.
func (s *Store) used(ctx context.Context, key string, at time.Time) error {
	t, rev, err := s.cells.Get(ctx, key)
	if errors.Is(err, bus.ErrNone) || err == nil && t.UsedAt != nil && !t.UsedAt.Before(at) {
		return nil
	}
	if err != nil {
		return err
	}
	t.UsedAt = &at
	_, err = s.cells.Set(ctx, key, t, rev)
	if errors.Is(err, bus.ErrConflict) { // revoked, or another gateway has seen it, too
		return nil
	}
	return err
}
