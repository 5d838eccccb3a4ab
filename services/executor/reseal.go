package executor

import (
	"fmt"
	"io"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/reseal"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// NewReseal returns what has everything that rests sealed to the executors sealed to
// the newest of their keys; out is told what came of it. It does not connect.
func NewReseal(cfg Config, log zerolog.Logger, out io.Writer) (reseal.Command, error) {
	keys, err := seal.ParseKeys(string(cfg.Seal.PrivateKey))
	if err != nil {
		return reseal.Command{}, fmt.Errorf("private key for sealed credentials: %w", err)
	}
	return reseal.Command{NATS: cfg.NATS, Keys: keys, Out: out, Log: log}, nil
}
