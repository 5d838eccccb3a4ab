package tokens

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	bootstrapKey  = "bootstrap" // cannot be taken for a hash
	bootstrapName = "bootstrap"
)

// bootstrap is the value of the key that says that the first token was made.
type bootstrap struct {
	Token string `json:"token"` // the key of the token
}

// Bootstrap makes the first administrator's token of an installation, and
// returns "" where there was one already. See gateway.Bootstrap for what happens
// when it is cut short.
func Bootstrap(ctx context.Context, b *bus.Bus) (string, error) {
	return first(ctx, b, false)
}

// Replace makes a new first token and revokes the one before, if there was one.
func Replace(ctx context.Context, b *bus.Bus) (string, error) {
	return first(ctx, b, true)
}

func first(ctx context.Context, b *bus.Bus, replace bool) (string, error) {
	tokens, err := bus.OpenCells[Token](ctx, b, contract.BucketTokens)
	if err != nil {
		return "", err
	}
	marks, err := bus.OpenCells[bootstrap](ctx, b, contract.BucketTokens)
	if err != nil {
		return "", err
	}
	before, rev, err := marks.Get(ctx, bootstrapKey)
	switch {
	case err == nil && !replace:
		return "", nil
	case err != nil && !errors.Is(err, bus.ErrNone):
		return "", err
	}
	secret := generate()
	mine := bootstrap{Token: hash(secret)}
	if _, err := tokens.Put(ctx, mine.Token, newToken(bootstrapName)); err != nil {
		return "", fmt.Errorf("store the token: %w", err)
	}
	if rev == 0 {
		_, err = marks.Create(ctx, bootstrapKey, mine)
	} else {
		_, err = marks.Set(ctx, bootstrapKey, mine, rev)
	}
	if errors.Is(err, bus.ErrConflict) {
		return settle(ctx, tokens, marks, mine, secret)
	}
	if err != nil {
		return "", err
	}
	return secret, revoke(ctx, tokens, before.Token)
}

// settle finds out who was first: another, or an earlier try of this very call
// whose answer was lost.
func settle(ctx context.Context, tokens *bus.Cells[Token], marks *bus.Cells[bootstrap], mine bootstrap, secret string) (string, error) {
	now, _, err := marks.Get(ctx, bootstrapKey)
	if err != nil {
		return "", err
	}
	if now == mine {
		return secret, nil
	}
	return "", revoke(ctx, tokens, mine.Token)
}

func revoke(ctx context.Context, tokens *bus.Cells[Token], key string) error {
	if key == "" {
		return nil
	}
	if err := tokens.Delete(ctx, key, 0); err != nil {
		return fmt.Errorf("revoke the token that is replaced: %w", err)
	}
	return nil
}
