package standalone

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/lifecycle"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor"
	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/scheduler"
	"github.com/slipway-deploy/slipway/services/standalone/internal/broker"
	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// stopMargin is what all parts but the executor, which drains, need to stop, and then some.
const stopMargin = 15 * time.Second

// Service is a whole installation. It runs once.
type Service struct {
	cfg    Config
	dir    string
	log    zerolog.Logger
	out    io.Writer
	broker *broker.Broker
	store  *store.Store
	seen   *observe.Process // nil: by nobody
}

// New returns an installation with this configuration. It touches neither disk nor network. What a person at the
// terminal is told goes to out.
func New(cfg Config, log zerolog.Logger, out io.Writer) (*Service, error) {
	dir, err := cfg.dataDir()
	if err != nil {
		return nil, fmt.Errorf("data directory %w", err)
	}
	s := &Service{cfg: cfg, dir: dir, log: log, out: out}
	if s.broker, err = broker.New(cfg.NATS.brokerConfig(dir, log)); err != nil {
		return nil, err
	}
	if s.store, err = store.New(cfg.storeConfig(dir, log)); err != nil {
		return nil, err
	}
	return s, nil
}

// Observing is where this installation is seen from outside.
func (s *Service) Observing() observe.Config { return s.cfg.Observe }

// Observe has all parts tell of themselves there. It is called before Run.
func (s *Service) Observe(p *observe.Process) { s.seen = p }

// Run works until ctx ends, and then until everything has stopped: what the executor has in hand may take the time that
// is configured for it. It calls ready once requests are served and the announcement is written.
//
// Errors say what to do about them.
func (s *Service) Run(ctx context.Context, ready func()) error {
	return s.inDataDir(func(keys keys) error {
		parts, err := s.parts(keys, ready)
		if err != nil {
			return err
		}
		return lifecycle.Group{StopTimeout: s.cfg.Executor.Drain + stopMargin}.Run(ctx, parts...)
	})
}

// inDataDir calls work while this process alone has the data directory.
func (s *Service) inDataDir(work func(keys) error) error {
	claim, err := datadir.Take(s.dir)
	if err != nil {
		return err
	}
	defer claim.Release() //nolint:errcheck // the claim ends with the process at the latest
	var k keys
	if k.credentials, err = seal.LoadOrCreateKeyFile(s.keyFile(sealKey)); err != nil {
		return err
	}
	if k.webhooks, err = seal.LoadOrCreateKeyFile(s.keyFile(webhooksKey)); err != nil {
		return err
	}
	return work(k)
}

// keys open what rests sealed: credentials for the executor, and the secrets of webhooks for the gateway.
type keys struct{ credentials, webhooks seal.Keys }

// parts are all components, in the order in which they start.
func (s *Service) parts(keys keys, ready func()) ([]lifecycle.Component, error) {
	inProcess := s.broker.ClientOptions()
	historian, err := history.New(s.cfg.historyConfig(s.store.URI()), s.logOf("history"), inProcess...)
	if err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	planner, err := scheduler.New(s.cfg.schedulerConfig(), s.logOf("scheduler"), inProcess...)
	if err != nil {
		return nil, fmt.Errorf("scheduler: %w", err)
	}
	worker, err := executor.New(s.cfg.executorConfig(s.dir, keys.credentials), s.logOf("executor"), inProcess...)
	if err != nil {
		return nil, fmt.Errorf("executor: %w", err)
	}
	edge, err := gateway.New(s.cfg.gatewayConfig(keys), s.logOf("gateway"), inProcess...)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	historian.Observe(s.seen)
	planner.Observe(s.seen)
	worker.Observe(s.seen)
	edge.Observe(s.seen)
	return []lifecycle.Component{
		{Name: "broker", Run: s.broker.Run},
		{Name: "store", Run: s.store.Run},
		{Name: "history", Run: historian.Run},
		{Name: "scheduler", Run: planner.Run},
		{Name: "gateway", Run: edge.Run}, // before the executor, which has it record the key of a first contact
		{Name: "executor", Run: worker.Run},
		{Name: "announcement", Run: s.announce(edge, ready)},
	}, nil
}

func (s *Service) logOf(part string) zerolog.Logger { return s.log.With().Str("part", part).Logger() }
