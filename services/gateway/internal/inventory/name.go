package inventory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

const claims = "name." // what keys of claims begin with

// claim says whose a name is.
type claim struct {
	Server   string `json:"server"`
	Revision uint64 `json:"revision"` // of the server when the name was claimed
}

// nameKey is where the claim to a name stands: a name itself cannot be a key.
func nameKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return claims + hex.EncodeToString(sum[:])
}

// claim makes the name the server's, whose revision must be rev when it comes to
// carry it. It fails with ErrNameTaken, or with bus.ErrConflict where the server
// itself was changed.
func (v *Inventory) claim(ctx context.Context, name, server string, rev uint64) error {
	key := nameKey(name)
	mine := stored{Claim: &claim{Server: server, Revision: rev}}
	for {
		have, claimRev, err := v.cells.Get(ctx, key)
		switch {
		case errors.Is(err, bus.ErrNone):
			_, err = v.cells.Create(ctx, key, mine)
		case err != nil:
			return err
		default:
			if have.Claim.Server != server {
				if err := v.lapse(ctx, name, *have.Claim); err != nil {
					return err
				}
			}
			_, err = v.cells.Set(ctx, key, mine, claimRev)
		}
		if !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
}

// lapse makes sure that a claim to the name can come to nothing any more, or
// fails with ErrNameTaken. See doc.go.
func (v *Inventory) lapse(ctx context.Context, name string, c claim) error {
	for {
		have, rev, err := v.cells.Get(ctx, c.Server)
		switch {
		case errors.Is(err, bus.ErrNone):
			return nil
		case err != nil:
			return err
		case have.Server.Name == name:
			return ErrNameTaken
		case rev != c.Revision:
			return nil
		}
		if _, err = v.cells.Set(ctx, c.Server, have, rev); !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
}

// release removes a claim of this revision that nothing needs any more. One that
// stays behind does no harm.
func (v *Inventory) release(ctx context.Context, name string, rev uint64) {
	if rev == 0 {
		return
	}
	if err := v.cells.Delete(ctx, nameKey(name), rev); err != nil && !errors.Is(err, bus.ErrConflict) {
		v.log.Debug().Err(err).Msg("a lapsed claim to a name stays behind")
	}
}

// Sweep removes servers that were never completed: a gateway died while it
// created them, longer ago than age.
func (v *Inventory) Sweep(ctx context.Context, age time.Duration) error {
	if err := v.view.Refresh(ctx); err != nil {
		return err
	}
	dead := map[string]uint64{}
	generation, err := v.view.Whole(func(all map[string]mirror.Entry[stored]) {
		for key, e := range all {
			if s := e.Value.Server; s != nil && !exists(all, s) && time.Since(s.CreatedAt) > age {
				dead[key] = e.Revision
			}
		}
	})
	if err != nil { // a claim that is not in the copy may be there
		return err
	}
	for id, rev := range dead {
		if err := v.view.Still(ctx, generation); err != nil {
			return err
		}
		if err := v.cells.Delete(ctx, id, rev); err != nil && !errors.Is(err, bus.ErrConflict) {
			return err
		}
	}
	return nil
}

// exists says whether the claim to the server's name is its own.
func exists(all map[string]mirror.Entry[stored], s *Server) bool {
	e, ok := all[nameKey(s.Name)]
	return ok && e.Value.Claim != nil && e.Value.Claim.Server == s.ID
}
