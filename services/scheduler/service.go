// Package scheduler decides what may run: it plans each deployment into waves
// of jobs, one a host, and follows it to its end. Any number of replicas work
// side by side without a leader.
package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/analysis"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/rollouts"
	"github.com/slipway-deploy/slipway/services/scheduler/internal/telemetry"
)

// Service is one replica of the scheduler.
type Service struct {
	cfg  Config
	log  zerolog.Logger
	nats []nats.Option
	seen *telemetry.Telemetry
}

// New returns a scheduler with this configuration. It does not connect. Further
// options for NATS win over the configuration.
func New(cfg Config, log zerolog.Logger, extra ...nats.Option) (*Service, error) {
	if errs := slices.Concat(cfg.NATS.Validate(), cfg.Observe.Validate(), cfg.Validate(), cfg.Limits.Validate(), cfg.Analysis.Validate()); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Service{cfg: cfg, log: log, nats: extra, seen: telemetry.New(nil)}, nil
}

// Observing is where this scheduler is seen from outside.
func (s *Service) Observing() observe.Config { return s.cfg.Observe }

// Observe has it tell of itself there. It is called before Run.
func (s *Service) Observe(p *observe.Process) { s.seen = telemetry.New(p.Scope("scheduler")) }

// Run works until ctx ends. It calls ready once it takes inputs, and returns
// when everything that it began is done or left for another replica.
func (s *Service) Run(ctx context.Context, ready func()) error {
	nc, err := bus.Connect(s.cfg.NATS, "slipway-scheduler", s.log, s.nats...)
	if err != nil {
		return err
	}
	defer nc.Close()
	bus.Observe(s.seen.Scope, nc)
	b, err := bus.Open(ctx, nc, s.cfg.NATS, s.log)
	if err != nil {
		return err
	}
	replica, err := rollouts.New(ctx, b, s.log, rollouts.Settings{
		Sweep: s.cfg.Sweep, Limits: deploy.Limits{All: s.cfg.Limits.Deployments, Project: s.cfg.Limits.PerProject},
		Meter: analysis.New(s.cfg.Analysis.settings()), Seen: s.seen,
	})
	if err != nil {
		return fmt.Errorf("open scheduler: %w", err)
	}
	return replica.Run(ctx, ready)
}
