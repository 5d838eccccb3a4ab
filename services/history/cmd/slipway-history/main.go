// Command slipway-history runs one replica of history.
package main

import (
	"os"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history"
)

func main() {
	os.Exit(service.Main("slipway-history", os.Args[1:],
		func(cfg history.Config) service.LogConfig { return cfg.Log },
		func(cfg history.Config, log zerolog.Logger) (service.Runner, error) { return history.New(cfg, log) },
	))
}
