package history

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history/internal/retention"
)

// ArchiveNowConfig is everything that can be set for archiving by hand.
type ArchiveNowConfig struct {
	NATS      bus.Config        `conf:"nats"`
	Store     StoreConfig       `conf:"store"`
	Retention RetentionConfig   `conf:"retention"`
	Archive   ArchiveConfig     `conf:"archive"`
	DryRun    bool              `conf:"dry_run" help:"name the deployments that would go, and leave them where they are"`
	Log       service.LogConfig `conf:"log"`
}

// Validate returns the mistakes that several groups make together.
func (c ArchiveNowConfig) Validate() []error {
	if !c.DryRun && c.Archive.Directory == "" && c.Archive.S3 == "" {
		return []error{errNoArchive}
	}
	return nil
}

// ArchiveNow archives what goes by its policies, without waiting for the replicas to look.
type ArchiveNow struct {
	cfg  ArchiveNowConfig
	log  zerolog.Logger
	out  io.Writer
	nats []nats.Option
}

// NewArchiveNow returns it; out is told what goes. It does not connect.
func NewArchiveNow(cfg ArchiveNowConfig, log zerolog.Logger, out io.Writer, extra ...nats.Option) (*ArchiveNow, error) {
	errs := slices.Concat(cfg.NATS.Validate(), cfg.Store.Validate(), cfg.Retention.Validate(), cfg.Archive.Validate(), cfg.Validate())
	if cfg.Store.SingleWriter && !cfg.DryRun {
		errs = append(errs, config.Invalid("store.single_writer", "who embeds a store archives from it"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &ArchiveNow{cfg: cfg, log: log, out: out, nats: extra}, nil
}

// Run looks once, and returns when all that goes has gone. Replicas fold meanwhile: each
// document is removed only as it was read.
func (a *ArchiveNow) Run(ctx context.Context, _ func()) error {
	docs, err := open(ctx, a.cfg.Store, "")
	if err != nil {
		return err
	}
	defer docs.close()
	cfg, err := a.cfg.Retention.sweeping()
	if err != nil {
		return err
	}
	place, err := a.cfg.Archive.place()
	if err != nil {
		return err
	}
	nc, err := bus.Connect(a.cfg.NATS, "slipway-history archive", a.log, a.nats...)
	if err != nil {
		return err
	}
	defer nc.Close()
	alone := func(do func() error) error { return do() }
	sweeper := retention.NewSweeper(cfg, docs.Store, place, retention.Folded(nc, docs.Checkpoint), alone, a.log)
	if a.cfg.DryRun {
		return a.tell(ctx, sweeper)
	}
	n, err := sweeper.Sweep(ctx, time.Now(), func(c retention.Choice) { a.say("archived", c) })
	fmt.Fprintf(a.out, "%d deployments went to the archive\n", n)
	return err
}

// tell says what would go.
func (a *ArchiveNow) tell(ctx context.Context, sweeper *retention.Sweeper) error {
	choices, err := sweeper.Choose(ctx, time.Now())
	if err != nil {
		return err
	}
	for _, c := range choices {
		a.say("would go:", c)
	}
	fmt.Fprintf(a.out, "%d deployments would go to the archive\n", len(choices))
	return nil
}

func (a *ArchiveNow) say(what string, c retention.Choice) {
	of := c.Application
	if c.Project != "" {
		of = c.Project + "/" + of
	}
	fmt.Fprintf(a.out, "%s %s %s of %s %s, accepted %s: %s\n", what, c.ID, c.Kind, of, c.Version, c.AcceptedAt.UTC().Format(time.RFC3339), c.Why)
}
