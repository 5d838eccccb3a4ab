package standalone

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/reseal"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// The files of keys in the data directory.
const (
	sealKey     = "seal.key"     // opens the credentials of servers and secrets
	webhooksKey = "webhooks.key" // opens the secrets of webhooks
)

func (s *Service) keyFile(name string) string { return filepath.Join(s.dir, name) }

// RotateKeys makes a new key in each file, has all that rests sealed to the older ones sealed to it, and drops those that
// nothing names any more. It is for an installation that does not run. Where an earlier call was cut off, it ends that, and
// makes no further key. What commands and jobs hold opens with the older keys, which are kept for it: a call after commands
// have gone, in a week, drops them.
func (s *Service) RotateKeys(ctx context.Context) error {
	return s.besideBroker(ctx, "keys", func(ctx context.Context) error {
		return bus.Visit(ctx, s.cfg.NATS.busConfig(), reseal.Client, s.logOf("keys"), s.broker.ClientOptions(), func(b *bus.Bus) error {
			for _, file := range []string{sealKey, webhooksKey} {
				if err := s.rotate(ctx, b, s.keyFile(file)); err != nil {
					return fmt.Errorf("%s: %w", file, err)
				}
			}
			return nil
		})
	})
}

func (s *Service) rotate(ctx context.Context, b *bus.Bus, file string) error {
	keys, err := seal.LoadOrCreateKeyFile(file)
	if err != nil {
		return err
	}
	did, err := recorded(ctx, b, keys)
	if err != nil {
		return err
	}
	if did.Resealed == 0 { // else an earlier call was cut off
		if keys, err = seal.AddKey(file); err != nil {
			return err
		}
		if did, err = recorded(ctx, b, keys); err != nil {
			return err
		}
	}
	unnamed, err := reseal.Unnamed(ctx, b, keys)
	if err != nil {
		return err
	}
	for _, id := range unnamed {
		if keys, err = seal.DropKey(file, id); err != nil {
			return err
		}
	}
	fmt.Fprintf(s.out, "%s\n", filepath.Base(file))
	return reseal.Tell(ctx, b, keys, did, s.out)
}

// recorded is reseal.Run, of which the audit log tells.
func recorded(ctx context.Context, b *bus.Bus, keys seal.Keys) (did reseal.Result, err error) {
	err = reseal.Record(ctx, b, keys, func(ctx context.Context) (err error) {
		did, err = reseal.Run(ctx, b, keys)
		return err
	})
	return did, err
}
