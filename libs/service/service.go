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
)

// Runner is a service. Run works until ctx ends and calls ready once it can
// serve.
type Runner interface {
	Run(ctx context.Context, ready func()) error
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
		return s.Run(ctx, func() { logger.Info().Msg("ready") })
	})
}
