package main

import (
	"context"
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history"
	"github.com/slipway-deploy/slipway/services/standalone/internal/store"
)

// storeSettings are those of the store when it runs alone.
type storeSettings struct {
	Dir    string `conf:"dir" help:"data directory of the store"`
	Listen string `conf:"listen" help:"unix:/path.sock or loopback host:port (default: a socket in the data directory)"`
	// The store indexes collections that it makes itself, or finds at its start: those that history would make while it
	// runs are searched from end to end, which is seconds a look-up where there are thousands of hosts.
	Database string            `conf:"database" default:"slipway" help:"database of history, which is made and indexed beforehand; empty: none"`
	Log      service.LogConfig `conf:"log"`
}

func (c storeSettings) Validate() []error {
	if _, err := store.New(c.store(zerolog.Nop())); err != nil {
		return []error{err}
	}
	return nil
}

func (c storeSettings) store(log zerolog.Logger) store.Config {
	cfg := store.Config{Dir: c.Dir, Listen: c.Listen, Log: log}
	if c.Database != "" {
		cfg.Database, cfg.Collections = c.Database, history.Collections()
	}
	return cfg
}

// runStore serves the embedded store until it is told to stop.
func runStore(args []string) int {
	return service.Main("slipway-standalone store", args,
		func(c storeSettings) service.LogConfig { return c.Log },
		func(c storeSettings, log zerolog.Logger) (service.Runner, error) {
			s, err := store.New(c.store(log))
			return storeAlone{s}, err
		},
	)
}

// storeAlone is a store that prints one line on stdout when clients can connect, "store ready <uri>". Programs that
// start it wait for that.
type storeAlone struct{ *store.Store }

func (s storeAlone) Run(ctx context.Context, ready func()) error {
	return s.Store.Run(ctx, func() {
		fmt.Fprintln(os.Stdout, "store ready", s.URI())
		ready()
	})
}
