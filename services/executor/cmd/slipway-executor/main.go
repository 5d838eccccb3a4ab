// Command slipway-executor runs one executor. With the argument keygen it makes
// a key pair instead: the private key is for executors, the public one for the
// gateways that seal credentials to them.
package main

import (
	"fmt"
	"os"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/libs/service"
	"github.com/slipway-deploy/slipway/services/executor"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "keygen" {
		os.Exit(keygen(os.Args[2]))
	}
	os.Exit(service.Main("slipway-executor", os.Args[1:],
		func(cfg executor.Config) service.LogConfig { return cfg.Log },
		func(cfg executor.Config, log zerolog.Logger) (service.Runner, error) { return executor.New(cfg, log) },
	))
}

// keygen writes a new private key to the file, or reads the one that is there,
// and prints the public key.
func keygen(path string) int {
	key, err := seal.LoadOrCreateKeyFile(path)
	if err != nil {
		fmt.Fprintf(os.Stderr, "slipway-executor keygen: %v\n", err)
		return 1
	}
	fmt.Fprintln(os.Stdout, key.Public())
	return 0
}
