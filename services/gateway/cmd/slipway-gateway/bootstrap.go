package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// bootstrap prints the token on standard output and everything else on standard
// error, so that a script can keep the one and show the other.
func bootstrap(args []string) int {
	replace := len(args) > 0 && args[0] == "replace"
	if replace {
		args = args[1:]
	}
	return service.Main(name+" bootstrap", args, logOf,
		func(cfg gateway.Config, log zerolog.Logger) (service.Runner, error) {
			return &bootstrapper{cfg, log, replace, os.Stdout}, nil
		})
}

type bootstrapper struct {
	cfg     gateway.Config
	log     zerolog.Logger
	replace bool
	out     io.Writer
}

// Run implements service.Runner; it ends by itself.
func (b *bootstrapper) Run(ctx context.Context, _ func()) error {
	if b.replace {
		token, err := gateway.ReplaceBootstrap(ctx, b.cfg, b.log)
		return b.print(token, err)
	}
	token, created, err := gateway.Bootstrap(ctx, b.cfg, b.log)
	if err == nil && !created {
		return fmt.Errorf("the first token was made before; if it is lost, make it anew with %s bootstrap replace", name)
	}
	return b.print(token, err)
}

func (b *bootstrapper) print(token string, err error) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(b.out, token)
	return err
}
