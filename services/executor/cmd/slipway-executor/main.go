// Command slipway-executor runs one executor.
//
//	slipway-executor [--setting value ...]         work
//	slipway-executor keygen FILE                   make a key pair and print the public key
//	slipway-executor newkey FILE                   make a newer key in the file and print its public key
//	slipway-executor dropkey FILE ID               remove an older key
//	slipway-executor reseal [--setting value ...]  seal what rests to the newest key
//
// The private keys are for executors, the public one for the gateways that seal
// credentials to them. The keys of webhooks are made in the same way.
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
	args := os.Args[1:]
	var command string
	if len(args) > 0 {
		command = args[0]
	}
	switch {
	case command == "keygen" && len(args) == 2:
		os.Exit(change(command, func() (seal.Keys, error) { return seal.LoadOrCreateKeyFile(args[1]) }))
	case command == "newkey" && len(args) == 2:
		os.Exit(change(command, func() (seal.Keys, error) { return seal.AddKey(args[1]) }))
	case command == "dropkey" && len(args) == 3:
		os.Exit(change(command, func() (seal.Keys, error) { return seal.DropKey(args[1], args[2]) }))
	case command == "reseal":
		os.Exit(service.Main("slipway-executor reseal", args[1:], logOf,
			func(cfg executor.Config, log zerolog.Logger) (service.Runner, error) {
				return executor.NewReseal(cfg, log, os.Stdout)
			},
		))
	}
	os.Exit(service.Main("slipway-executor", args, logOf,
		func(cfg executor.Config, log zerolog.Logger) (service.Runner, error) { return executor.New(cfg, log) },
	))
}

func logOf(cfg executor.Config) service.LogConfig { return cfg.Log }

// change does something with a key file and prints the public key that is to be
// sealed to after it.
func change(command string, do func() (seal.Keys, error)) int {
	keys, err := do()
	if err != nil {
		fmt.Fprintf(os.Stderr, "slipway-executor %s: %v\n", command, err)
		return 1
	}
	fmt.Fprintln(os.Stdout, keys.Public())
	return 0
}
