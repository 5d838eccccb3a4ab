package scheduler

import (
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/service"
)

// Config is everything that can be set for a scheduler.
type Config struct {
	NATS  bus.Config        `conf:"nats"`
	Log   service.LogConfig `conf:"log"`
	Sweep time.Duration     `conf:"sweep" default:"30s" help:"how often queues of hosts are checked for claims that lapsed"`
}

// Validate returns every mistake in the configuration.
func (c Config) Validate() []error {
	if c.Sweep < time.Second {
		return []error{config.Invalid("sweep", "must be at least 1s, not %s", c.Sweep)}
	}
	return nil
}
