package history

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/retention"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
	"github.com/slipway-deploy/slipway/services/history/internal/telemetry"
)

// standsBy is how often a replica that does not fold looks whether it does.
const standsBy = time.Second

// keeper archives what goes, on the replica that folds.
type keeper struct {
	sweeper *retention.Sweeper
	folding func() bool
	every   time.Duration
	seen    *telemetry.Telemetry
	log     zerolog.Logger
}

// newKeeper returns the keeper; nil where there is no archive. Without a policy, it ends what
// one before has begun.
func (s *Service) newKeeper(nc *nats.Conn, docs *store.Store, follower *fold.Follower) (*keeper, error) {
	cfg, err := s.cfg.Retention.sweeping()
	if err != nil {
		return nil, err
	}
	place, err := s.cfg.Archive.place()
	if err != nil || place == nil {
		return nil, err
	}
	return &keeper{
		sweeper: retention.NewSweeper(cfg, docs, place, retention.Folded(nc, docs.Checkpoint), follower.Between, s.log),
		folding: follower.Folding, every: s.cfg.Retention.Every, seen: s.seen, log: s.log,
	}, nil
}

// run works until ctx ends.
func (k *keeper) run(ctx context.Context) {
	for {
		pause := standsBy
		if k.folding() {
			k.sweep(ctx)
			pause = k.every
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// sweep looks once.
func (k *keeper) sweep(ctx context.Context) {
	n, err := k.sweeper.Sweep(ctx, time.Now(), func(c retention.Choice) {
		k.log.Debug().Str("deployment", c.ID).Str("project", c.Project).Str("because", c.Why).Msg("archived")
	})
	k.seen.Archived.Add(float64(n))
	if n > 0 {
		k.log.Info().Int("deployments", n).Msg("deployments went to the archive")
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, fold.ErrStandingBy) {
		k.log.Error().Err(err).Msg("what was to be archived stays for now")
	}
}
