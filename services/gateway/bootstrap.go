package gateway

import (
	"context"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

// Bootstrap makes the first administrator's token of an installation, waiting
// for NATS until ctx ends. Where it was made before, it returns "" and false. Of
// several callers at once, one gets a token.
//
// The token is returned this once: what is stored is its hash. A process that
// dies before the token is marked as made leaves a hash that nobody has the token
// to, and the next call makes another. One that dies after that, and before the
// token was shown, loses it: ReplaceBootstrap makes a new one.
func Bootstrap(ctx context.Context, cfg Config, log zerolog.Logger, extra ...nats.Option) (token string, created bool, err error) {
	err = bus.Visit(ctx, cfg.NATS, "slipway-bootstrap", log, extra, func(b *bus.Bus) error {
		token, err = tokens.Bootstrap(ctx, b)
		return err
	})
	return token, token != "", err
}

// ReplaceBootstrap makes a new first token and revokes the one before, for when
// it was lost or got about. Whoever may write to NATS may do that. A process that
// dies on the way leaves the old token valid and marked, or none at all that
// anybody has; the next call puts that right.
func ReplaceBootstrap(ctx context.Context, cfg Config, log zerolog.Logger, extra ...nats.Option) (token string, err error) {
	err = bus.Visit(ctx, cfg.NATS, "slipway-bootstrap", log, extra, func(b *bus.Bus) error {
		token, err = tokens.Replace(ctx, b)
		return err
	})
	return token, err
}
