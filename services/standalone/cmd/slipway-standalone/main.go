// Command slipway-standalone runs all of Slipway in one process.
//
//	slipway-standalone              serves
//	slipway-standalone new-token    replaces the first administrator's token, when it was lost; nothing else may run
//	slipway-standalone restore      brings archived deployments back; nothing else may run
//	slipway-standalone rotate-keys  makes new keys, and seals what rests to them; nothing else may run
//	slipway-standalone store        runs the embedded document store alone
package main

import (
	"context"
	"os"
	"slices"
	_ "time/tzdata" // calendars name time zones, and the machine may know none

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/standalone"
)

func main() {
	var command string
	args := os.Args[1:]
	if len(args) > 0 && slices.Contains([]string{"store", "new-token", "restore", "rotate-keys"}, args[0]) {
		command, args = args[0], args[1:]
	}
	switch command {
	case "store":
		os.Exit(runStore(args))
	case "new-token":
		os.Exit(run("slipway-standalone new-token", args, func(s *standalone.Service) service.Runner { return replaceToken{s} }))
	case "rotate-keys":
		os.Exit(run("slipway-standalone rotate-keys", args, func(s *standalone.Service) service.Runner { return rotateKeys{s} }))
	case "restore":
		os.Exit(service.Main("slipway-standalone restore", args,
			func(cfg standalone.RestoreConfig) service.LogConfig { return cfg.Log },
			func(cfg standalone.RestoreConfig, log zerolog.Logger) (service.Runner, error) {
				return standalone.NewRestore(cfg, log, os.Stdout)
			},
		))
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

// replaceToken is all that new-token does with an installation.
type replaceToken struct{ of *standalone.Service }

func (r replaceToken) Run(ctx context.Context, _ func()) error { return r.of.ReplaceToken(ctx) }

// rotateKeys is all that rotate-keys does with an installation.
type rotateKeys struct{ of *standalone.Service }

func (r rotateKeys) Run(ctx context.Context, _ func()) error { return r.of.RotateKeys(ctx) }
