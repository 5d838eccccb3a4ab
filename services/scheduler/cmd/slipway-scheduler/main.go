// Command slipway-scheduler runs one replica of the scheduler.
package main

import (
	"os"
	_ "time/tzdata" // calendars name time zones, and the machine may know none

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/scheduler"
)

func main() {
	os.Exit(service.Main("slipway-scheduler", os.Args[1:],
		func(cfg scheduler.Config) service.LogConfig { return cfg.Log },
		func(cfg scheduler.Config, log zerolog.Logger) (service.Runner, error) { return scheduler.New(cfg, log) },
	))
}
