// Package history keeps the documents that users read: it folds the events of
// all deployments into them (internal/fold), keeps them in MongoDB
// (internal/store), answers questions about them (internal/query), and archives
// those that need not be at hand any more (internal/retention). Any number of
// replicas work side by side.
//
// The documents are a read model: nothing else depends on them, and where they
// are deleted they are made again, to the same, from the events that are kept.
// While the store is away, events wait in their stream.
package history

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/query"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
	"github.com/slipway-deploy/slipway/services/history/internal/telemetry"
)

// closeTimeout bounds the goodbye to the store.
const closeTimeout = 2 * time.Second

// Service is one replica of history.
type Service struct {
	cfg      Config
	log      zerolog.Logger
	nats     []nats.Option
	position *fold.Position
	seen     *telemetry.Telemetry
}

// New returns history with this configuration. It does not connect. Further
// options for NATS win over the configuration.
func New(cfg Config, log zerolog.Logger, extra ...nats.Option) (*Service, error) {
	if errs := slices.Concat(cfg.NATS.Validate(), cfg.Observe.Validate(), cfg.Store.Validate(), cfg.Retention.Validate(), cfg.Archive.Validate(), cfg.Validate()); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Service{cfg: cfg, log: log, nats: extra, position: fold.NewPosition(), seen: telemetry.New(nil)}, nil
}

// Observing is where this history is seen from outside.
func (s *Service) Observing() observe.Config { return s.cfg.Observe }

// Observe has it tell of itself there. It is called before Run.
func (s *Service) Observe(p *observe.Process) { s.seen = telemetry.New(p.Scope("history")) }

// Run works until ctx ends. It calls ready once it answers questions and both
// NATS and the store have been reached; from then on it waits out whatever of
// them goes away, and while that is the store says that it is not ready.
func (s *Service) Run(ctx context.Context, ready func()) error {
	nc, err := bus.Connect(s.cfg.NATS, "slipway-history", s.log, s.nats...)
	if err != nil {
		return err
	}
	defer nc.Close()
	bus.Observe(s.seen.Scope, nc)
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
	}, docs, s.position, s.cfg.Store.SingleWriter, s.log)
	s.observe(nc, follower)
	keeper, err := s.newKeeper(nc, docs, follower)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}

	answering := make(chan *bus.Replica, 1)
	var served error
	var all sync.WaitGroup
	if keeper != nil {
		all.Go(func() { keeper.run(ctx) })
	}
	all.Go(func() {
		defer cancel()
		served = query.Serve(ctx, nc, docs, s.position, s.seen, s.log, func(r *bus.Replica) { answering <- r })
	})
	var replica *bus.Replica // once it was ready; the follower's goroutine is this one
	follower.TellOfStore(func(away bool) {
		switch {
		case replica == nil:
		case away:
			replica.NotReady()
		default:
			replica.Ready()
		}
	})
	followed := follower.Run(ctx, sync.OnceFunc(func() {
		select {
		case replica = <-answering:
			replica.Ready()
			ready()
		case <-ctx.Done():
		}
	}))
	cancel()
	all.Wait()
	return errors.Join(followed, served)
}
