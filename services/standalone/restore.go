package standalone

import (
	"context"
	"io"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/lifecycle"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/executor"
	"github.com/slipway-deploy/slipway/services/gateway"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/scheduler"
)

// RestoreConfig is Config, since one file configures both, and which archived deployments are to be brought back.
type RestoreConfig struct {
	Deployment string `conf:"deployment" help:"the archived deployment to bring back; empty: all that are in --from"`
	From       string `conf:"from" help:"file or directory, or URL of one in storage that speaks S3; empty: the file of the deployment in the archive"`

	Data      string            `conf:"data" help:"data directory (default: $XDG_DATA_HOME/slipway, or ~/.local/share/slipway)"`
	NATS      NATSConfig        `conf:"nats"`
	Gateway   gateway.Config    `conf:"gateway" except:"nats,log,seal_public_key,webhooks.private_key"`
	Scheduler scheduler.Config  `conf:"scheduler" except:"nats,log"`
	Executor  executor.Config   `conf:"executor" except:"nats,log,seal,cache.dir"`
	History   history.Config    `conf:"history" except:"nats,log,store"`
	Log       service.LogConfig `conf:"log"`
}

func (c RestoreConfig) config() Config {
	return Config{
		Data: c.Data, NATS: c.NATS, Gateway: c.Gateway, Scheduler: c.Scheduler, Executor: c.Executor, History: c.History, Log: c.Log,
	}
}

// historyConfig is what history restores by, from the store that this URI names.
func (c RestoreConfig) historyConfig(storeURI string) history.RestoreConfig {
	return history.RestoreConfig{Store: embedded(storeURI), Archive: c.History.Archive, Deployment: c.Deployment, From: c.From}
}

// Validate returns every mistake in the configuration.
func (c RestoreConfig) Validate() []error {
	cfg := c.config()
	return append(cfg.Validate(), c.historyConfig("").Validate()...)
}

// Restore brings archived deployments back. It is for an installation that does not run.
type Restore struct {
	*Service
	cfg RestoreConfig
}

// NewRestore returns it; out is told what is brought back. It touches neither disk nor network.
func NewRestore(cfg RestoreConfig, log zerolog.Logger, out io.Writer) (*Restore, error) {
	s, err := New(cfg.config(), log, out)
	return &Restore{s, cfg}, err
}

// Run brings the deployments back and returns when they are there.
func (r *Restore) Run(ctx context.Context, _ func()) error {
	return r.inDataDir(func(keys) error {
		ctx, done := context.WithCancel(ctx)
		defer done()
		return lifecycle.Run(ctx,
			lifecycle.Component{Name: "store", Run: r.store.Run},
			lifecycle.Component{Name: "restore", Run: func(ctx context.Context, ready func()) error {
				restore, err := history.NewRestore(r.cfg.historyConfig(r.store.URI()), r.logOf("history"), r.out)
				if err != nil {
					return err
				}
				if err := restore.Run(ctx, ready); err != nil {
					return err
				}
				done()
				<-ctx.Done()
				return ctx.Err()
			}},
		)
	})
}
