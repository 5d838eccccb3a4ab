// Package history keeps the documents that users read: it folds the events of
// all deployments into them (internal/fold), keeps them in MongoDB
// (internal/store), and answers questions about them (internal/query). Any
// number of replicas work side by side.
//
// The documents are a read model: nothing else depends on them, and where they
// are deleted they are made again, to the same, from the events that are kept.
// While the store is away, events wait in their stream.
package history

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// closeTimeout bounds the goodbye to the store.
const closeTimeout = 2 * time.Second

// Service is one replica of history.
type Service struct {
	cfg      Config
	log      zerolog.Logger
	nats     []nats.Option
	position *fold.Position
}

// New returns history with this configuration. It does not connect. Further
// options for NATS win over the configuration.
func New(cfg Config, log zerolog.Logger, extra ...nats.Option) (*Service, error) {
	if errs := append(cfg.NATS.Validate(), cfg.Store.Validate()...); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Service{cfg: cfg, log: log, nats: extra, position: fold.NewPosition()}, nil
}

// Run works until ctx ends. It calls ready once it answers questions and both
// NATS and the store have been reached; from then on it waits out whatever of
// them goes away.
func (s *Service) Run(ctx context.Context, ready func()) error {
	nc, err := bus.Connect(s.cfg.NATS, "slipway-history", s.log, s.nats...)
	if err != nil {
		return err
	}
	defer nc.Close()
	docs, err := store.Open(store.Config{
		URI: string(s.cfg.Store.URI), Database: s.cfg.Store.Database, SingleWriter: s.cfg.Store.SingleWriter,
	})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = docs.Close(ctx) // nothing is in flight
	}()
	return s.work(ctx, nc, docs, ready)
}

// work folds and answers until ctx ends or one of the two fails.
func (s *Service) work(ctx context.Context, nc *nats.Conn, docs *store.Store, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	follower := fold.NewFollower(func(ctx context.Context) (*bus.Bus, error) {
		return bus.Open(ctx, nc, s.cfg.NATS, s.log)
	}, docs, s.position, s.log)

	answering := make(chan struct{})
	var served error
	var all sync.WaitGroup
	all.Go(func() {
		defer cancel()
		served = query.Serve(ctx, nc, docs, s.position, s.log, func() { close(answering) })
	})
	followed := follower.Run(ctx, sync.OnceFunc(func() {
		select {
		case <-answering:
			ready()
		case <-ctx.Done():
		}
	}))
	cancel()
	all.Wait()
	return errors.Join(followed, served)
}
