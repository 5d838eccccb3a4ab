package tokens

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/audit/chain"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	bootstrapKey  = "bootstrap" // cannot be taken for a hash
	bootstrapName = "bootstrap"

	briefly = 3 * time.Second // to tidy up, even where ctx has ended
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
// It fails with ErrReplaced where another was first.
func Replace(ctx context.Context, b *bus.Bus) (string, error) {
	secret, err := first(ctx, b, true)
	if err == nil && secret == "" {
		err = ErrReplaced
	}
	return secret, err
}

// first makes a token in steps, of which each leaves no more valid than before:
// the mark names the token before until that one is revoked, so that whoever comes
// after a step that failed finds it and revokes it. When the secret is returned,
// nothing is left that could fail.
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
	token, secret := newToken(bootstrapName), generate()
	action := "tokens.bootstrap"
	if replace {
		action = "tokens.replace"
	}
	e := audit.Entry{Action: action, Object: &audit.Object{Kind: "token", ID: token.ID}}
	err = chain.Record(ctx, b, e, func(ctx context.Context) (err error) {
		if secret, err = move(ctx, tokens, marks, before, rev, token, secret); err == nil && secret == "" {
			return ErrReplaced
		}
		return err
	})
	if errors.Is(err, ErrReplaced) {
		return "", nil
	}
	return secret, err
}

// move stores the token, revokes the one before, and moves the mark.
func move(ctx context.Context, tokens *bus.Cells[Token], marks *bus.Cells[bootstrap], before bootstrap, rev uint64, token Token, secret string) (string, error) {
	mine := bootstrap{Token: hash(secret)}
	if _, err := tokens.Put(ctx, mine.Token, token); err != nil {
		return "", fmt.Errorf("store the token: %w", err)
	}
	if err := revoke(ctx, tokens, before.Token); err != nil {
		return "", withdraw(ctx, tokens, mine, err)
	}
	var err error
	if rev == 0 {
		_, err = marks.Create(ctx, bootstrapKey, mine)
	} else {
		_, err = marks.Set(ctx, bootstrapKey, mine, rev)
	}
	if err != nil {
		return settle(ctx, tokens, marks, mine, secret, err)
	}
	return secret, nil
}

// settle finds out what became of a mark that could not be moved: another was
// first, or nobody, or it was moved by this very call and the answer was lost.
// Where that cannot be found out, nobody learns the secret.
func settle(ctx context.Context, tokens *bus.Cells[Token], marks *bus.Cells[bootstrap], mine bootstrap, secret string, cause error) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), briefly)
	defer cancel()
	now, _, err := marks.Get(ctx, bootstrapKey)
	switch {
	case err == nil && now == mine:
		return secret, nil
	case err != nil && !errors.Is(err, bus.ErrNone):
		return "", fmt.Errorf("mark the token: %w", errors.Join(cause, err))
	case errors.Is(cause, bus.ErrConflict):
		return "", revoke(ctx, tokens, mine.Token)
	default:
		return "", withdraw(ctx, tokens, mine, fmt.Errorf("mark the token: %w", cause))
	}
}

// withdraw revokes a token that nobody will learn the secret of, and returns why.
// Where that fails too, it stays behind and is of no use to anybody.
func withdraw(ctx context.Context, tokens *bus.Cells[Token], mine bootstrap, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), briefly)
	defer cancel()
	return errors.Join(cause, revoke(ctx, tokens, mine.Token))
}

func revoke(ctx context.Context, tokens *bus.Cells[Token], key string) error {
	if key == "" {
		return nil
	}
	if err := tokens.Delete(ctx, key, 0); err != nil {
		return fmt.Errorf("revoke a token: %w", err)
	}
	return nil
}
