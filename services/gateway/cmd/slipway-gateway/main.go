// Command slipway-gateway runs one replica of the gateway.
//
//	slipway-gateway [--setting value ...]            serve
//	slipway-gateway bootstrap [--setting value ...]  make the first token and print it, once
//	slipway-gateway bootstrap replace [...]          make it anew and revoke the one before
//	slipway-gateway reseal [--setting value ...]     seal the secrets of webhooks to the newest key
package main

import (
	"os"
	_ "time/tzdata" // calendars name time zones, and the machine may know none

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/gateway"
)

const name = "slipway-gateway"

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "bootstrap" {
		os.Exit(bootstrap(args[1:]))
	}
	if len(args) > 0 && args[0] == "reseal" {
		os.Exit(service.Main(name+" reseal", args[1:], logOf,
			func(cfg gateway.Config, log zerolog.Logger) (service.Runner, error) {
				return gateway.NewReseal(cfg, log, os.Stdout)
			},
		))
	}
	os.Exit(service.Main(name, args, logOf,
		func(cfg gateway.Config, log zerolog.Logger) (service.Runner, error) { return gateway.New(cfg, log) },
	))
}

func logOf(cfg gateway.Config) service.LogConfig { return cfg.Log }
