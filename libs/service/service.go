// Package service is the frame that the binary of every service has: read the
// configuration, open the log, run until a signal comes.
package service

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycle"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// Runner is a service. Run works until ctx ends and calls ready once it can
// serve.
type Runner interface {
	Run(ctx context.Context, ready func()) error
}

// Observed is a Runner that is seen from outside while it runs.
type Observed interface {
	Runner
	// Observing is the part of the configuration that says where.
	Observing() observe.Config
	// Observe has the service tell of itself there. It is called before Run.
	Observe(process *observe.Process)
}

// Main runs a service as the whole of a program and returns the exit status: 0
// after a signal, 1 after a failure, 2 where the configuration is wrong. The
// configuration C is read from arguments, environment and file; log finds the
// log's part of it.
func Main[C any](name string, args []string, log func(C) LogConfig, build func(C, zerolog.Logger) (Runner, error)) int {
	var cfg C
	if err := config.Load(&cfg, name, args, os.Environ()); err != nil {
		if errors.Is(err, config.ErrHelp) {
			_ = config.Usage(os.Stdout, &cfg, name)
			return 0
		}
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	logger := NewLog(log(cfg), name, os.Stderr)
	return lifecycle.Main(func(ctx context.Context) error {
		s, err := build(cfg, logger)
		if err != nil {
			return err
		}
		ready := func() { logger.Info().Msg("ready") }
		seen, ok := s.(Observed)
		if !ok {
			return s.Run(ctx, ready)
		}
		process, err := observe.New(seen.Observing(), name, logger) //nolint:contextcheck // what it sends in the end outlives ctx
		if err != nil {
			return err
		}
		seen.Observe(process)
		return process.Run(ctx, ready, seen.Run)
	})
}
