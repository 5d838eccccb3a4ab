// Command slipway-history runs one replica of history, or does one thing:
//
//	slipway-history                               folds and answers
//	slipway-history rebuild --compare | --swap    makes its documents anew
//	slipway-history archive [--dry-run]           archives what goes by its policies
//	slipway-history restore --deployment ID       brings a deployment back; or --from FILE
package main

import (
	"os"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/history"
)

func main() {
	var command string
	if len(os.Args) > 1 {
		command = os.Args[1]
	}
	switch command {
	case "rebuild":
		os.Exit(service.Main("slipway-history rebuild", os.Args[2:],
			func(cfg history.RebuildConfig) service.LogConfig { return cfg.Log },
			func(cfg history.RebuildConfig, log zerolog.Logger) (service.Runner, error) {
				return history.NewRebuild(cfg, log, os.Stdout)
			},
		))
	case "archive":
		os.Exit(service.Main("slipway-history archive", os.Args[2:],
			func(cfg history.ArchiveNowConfig) service.LogConfig { return cfg.Log },
			func(cfg history.ArchiveNowConfig, log zerolog.Logger) (service.Runner, error) {
				return history.NewArchiveNow(cfg, log, os.Stdout)
			},
		))
	case "restore":
		os.Exit(service.Main("slipway-history restore", os.Args[2:],
			func(cfg history.RestoreConfig) service.LogConfig { return cfg.Log },
			func(cfg history.RestoreConfig, log zerolog.Logger) (service.Runner, error) {
				return history.NewRestore(cfg, log, os.Stdout)
			},
		))
	}
	os.Exit(service.Main("slipway-history", os.Args[1:],
		func(cfg history.Config) service.LogConfig { return cfg.Log },
		func(cfg history.Config, log zerolog.Logger) (service.Runner, error) { return history.New(cfg, log) },
	))
}
