//go:build bench

// Command slipway-executor-simulated is slipway-executor with hosts that are
// simulated, for benchmarks. Its first argument says how long each command on a
// host takes; the others are those of slipway-executor.
package main

import (
	"fmt"
	"os"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/executor"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: slipway-executor-simulated DURATION [flags of slipway-executor]")
		os.Exit(2)
	}
	takes, err := time.ParseDuration(os.Args[1])
	if err != nil {
		fmt.Fprintf(os.Stderr, "slipway-executor-simulated: %v\n", err)
		os.Exit(2)
	}
	os.Exit(service.Main("slipway-executor", os.Args[2:],
		func(cfg executor.Config) service.LogConfig { return cfg.Log },
		func(cfg executor.Config, log zerolog.Logger) (service.Runner, error) {
			return executor.NewSimulated(cfg, log, takes)
		},
	))
}
