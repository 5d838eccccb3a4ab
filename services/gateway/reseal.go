package gateway

import (
	"io"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/reseal"
)

// NewReseal returns what has the secrets of webhooks sealed to the newest of the
// gateways' keys; out is told what came of it. It does not connect.
func NewReseal(cfg Config, log zerolog.Logger, out io.Writer) (reseal.Command, error) {
	if cfg.Webhooks.PrivateKey == "" {
		return reseal.Command{}, config.Invalid("webhooks.private_key", "is needed: without it, there are no secrets of webhooks")
	}
	keys, err := cfg.Webhooks.keys()
	return reseal.Command{NATS: cfg.NATS, Keys: keys, Out: out, Log: log}, err
}
