// Command slipway-standalone runs all of Slipway in one process.
//
//	slipway-standalone            serves
//	slipway-standalone new-token  replaces the first administrator's token, when it was lost; nothing else may run
//	slipway-standalone store      runs the embedded document store alone
package main

import (
	"context"
	"os"
	_ "time/tzdata" // calendars name time zones, and the machine may know none

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/standalone"
)

func main() {
	var command string
	args := os.Args[1:]
	if len(args) > 0 && (args[0] == "store" || args[0] == "new-token") {
		command, args = args[0], args[1:]
	}
	switch command {
	case "store":
		os.Exit(runStore(args))
	case "new-token":
		os.Exit(run("slipway-standalone new-token", args, func(s *standalone.Service) service.Runner { return replaceToken{s} }))
	default:
		os.Exit(run("slipway-standalone", args, func(s *standalone.Service) service.Runner { return s }))
	}
}

// run does something with a whole installation.
func run(name string, args []string, what func(*standalone.Service) service.Runner) int {
	return service.Main(name, args,
		func(cfg standalone.Config) service.LogConfig { return cfg.Log },
		func(cfg standalone.Config, log zerolog.Logger) (service.Runner, error) {
			s, err := standalone.New(cfg, log, os.Stdout)
			if err != nil {
				return nil, err
			}
			return what(s), nil
		},
	)
}

type replaceToken struct{ *standalone.Service }

func (r replaceToken) Run(ctx context.Context, _ func()) error { return r.ReplaceToken(ctx) }
