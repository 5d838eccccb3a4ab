package history

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history/internal/rebuild"
	"github.com/slipway-deploy/slipway/services/history/internal/store"
)

// rebuildPrefix is before the names of the collections that a rebuild makes.
const rebuildPrefix = "rebuild_"

// RebuildConfig is everything that can be set for a rebuild.
type RebuildConfig struct {
	NATS    bus.Config        `conf:"nats"`
	Store   StoreConfig       `conf:"store"`
	Compare bool              `conf:"compare" help:"make all documents anew beside the live ones, and name the first that differ"`
	Swap    bool              `conf:"swap" help:"the same, put the new ones in the place of those that differ, and remove what no event speaks of"`
	Log     service.LogConfig `conf:"log"`

	// One file configures all commands.
	Retention RetentionConfig `conf:"retention"`
	Archive   ArchiveConfig   `conf:"archive"`
}

// Rebuild makes the documents of history anew from the events that are kept.
type Rebuild struct {
	cfg  RebuildConfig
	log  zerolog.Logger
	out  io.Writer
	nats []nats.Option
}

// NewRebuild returns a rebuild that tells its outcome to out. It does not connect.
func NewRebuild(cfg RebuildConfig, log zerolog.Logger, out io.Writer, extra ...nats.Option) (*Rebuild, error) {
	errs := append(cfg.NATS.Validate(), cfg.Store.Validate()...)
	if cfg.Compare == cfg.Swap {
		errs = append(errs, config.Invalid("compare", "either this or swap must be set"))
	}
	if cfg.Store.SingleWriter {
		errs = append(errs, config.Invalid("store.single_writer", "an embedded store is rebuilt by moving its files away and starting anew"))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return &Rebuild{cfg: cfg, log: log, out: out, nats: extra}, nil
}

// Run rebuilds and returns when that is done. It fails where documents differ that
// were not replaced.
func (r *Rebuild) Run(ctx context.Context, _ func()) error {
	nc, err := bus.Connect(r.cfg.NATS, "slipway-history rebuild", r.log, r.nats...)
	if err != nil {
		return err
	}
	defer nc.Close()
	b, err := bus.Open(ctx, nc, r.cfg.NATS, r.log)
	if err != nil {
		return err
	}
	live, err := open(ctx, r.cfg.Store, "")
	if err != nil {
		return err
	}
	defer live.close()
	fresh, err := open(ctx, r.cfg.Store, rebuildPrefix)
	if err != nil {
		return err
	}
	defer fresh.close()
	o, err := rebuild.Run(ctx, b, live.Store, fresh.Store, r.cfg.Swap, r.log)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	return r.tell(o)
}

type opened struct {
	*store.Store
	close func()
}

// open opens the store with this before the names of its collections.
func open(ctx context.Context, cfg StoreConfig, prefix string) (opened, error) {
	s, err := store.Open(store.Config{URI: string(cfg.URI), Database: cfg.Database, SingleWriter: cfg.SingleWriter, Prefix: prefix})
	if err != nil {
		return opened{}, fmt.Errorf("open the store: %w", err)
	}
	return opened{s, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		_ = s.Close(ctx) // nothing is in flight
	}}, nil
}

// tell says what came of it.
func (r *Rebuild) tell(o rebuild.Outcome) error {
	fmt.Fprintf(r.out, "replayed to event %d: %d documents alike, %d differ, %d replaced, %d moving on, %d older than the events that are kept, %d archived\n",
		o.Seq, o.Alike, o.Differ, o.Replaced, o.Moving, o.Passed, o.Archived)
	for _, d := range o.Differences {
		fmt.Fprintln(r.out, d)
	}
	for _, d := range o.Foreign {
		fmt.Fprintf(r.out, "%s: it is older than EV, or says so\n", d)
	}
	if o.Differ > o.Replaced {
		return fmt.Errorf("%w: %d of them", rebuild.ErrDiffers, o.Differ-o.Replaced)
	}
	return nil
}
