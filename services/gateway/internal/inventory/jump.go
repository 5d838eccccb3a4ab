package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

// A server names the one that it is reached through, which may name another. A
// change that would make a loop of them is refused, as is the end of a server
// that others are reached through. Both look at a copy of the inventory that is
// up to date: of two changes at the same moment each may miss the other. What
// comes of that is found when the way is used (way.broken), and no connection is
// ever made on a way that is not whole.

const (
	maxHops   = 8
	maxListed = 5 // servers that a message names
)

// way is how a server is reached.
type way struct {
	hops   []Server // the jump hosts, in the order in which they are passed
	broken string   // why there is no way, in words that follow the name of the server; empty: there is one
}

// wayTo follows the jump hosts of a server.
func wayTo(s Server, find func(id string) *Server) way {
	var w way
	seen := map[string]bool{s.ID: true}
	for at := s.JumpHost; at != ""; {
		hop := find(at)
		switch {
		case hop == nil:
			return way{broken: "has a jump host that was deleted"}
		case seen[hop.ID]:
			return way{broken: fmt.Sprintf("is reached through %q, which is reached through itself", hop.Name)}
		case len(w.hops) == maxHops:
			return way{broken: fmt.Sprintf("is reached through more than %d jump hosts", maxHops)}
		}
		seen[hop.ID] = true
		w.hops = append(w.hops, *hop)
		at = hop.JumpHost
	}
	slices.Reverse(w.hops)
	return w
}

// found is a server as it is handed out.
func found(all map[string]mirror.Entry[stored], s *Server) Server {
	out := *s
	out.way = wayTo(out, func(id string) *Server { return byID(all, id) })
	return out
}

// settleJump turns the jump host of a server that is to be stored, which may be a
// name, into an id. It fails with field.Errors where no server could be reached so.
func (v *Inventory) settleJump(ctx context.Context, s Server) (Server, error) {
	if s.JumpHost == "" {
		return s, nil
	}
	if err := v.view.Refresh(ctx); err != nil {
		return s, err
	}
	var errs field.Errors
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		hop := byID(all, s.JumpHost)
		if hop == nil {
			hop = byName(all, s.JumpHost)
		}
		switch {
		case hop == nil:
			errs.Add("jump_host", "no server has this id or name")
			return
		case hop.ID == s.ID:
			errs.Add("jump_host", "must be another server")
			return
		}
		s.JumpHost = hop.ID
		errs.Check("jump_host", breaks(all, s))
	})
	return s, errs.Err()
}

// breaks says what would be wrong with the ways of this server, and of those
// behind it, once it is stored so; or "".
func breaks(all map[string]mirror.Entry[stored], s Server) string {
	find := func(id string) *Server {
		if id == s.ID {
			return &s
		}
		return byID(all, id)
	}
	if w := wayTo(s, find); w.broken != "" {
		return "cannot be that: then it " + w.broken
	}
	for _, e := range all {
		other := e.Value.Server
		if other == nil || other.JumpHost == "" || other.ID == s.ID || !exists(all, other) {
			continue
		}
		w := wayTo(*other, find)
		through := slices.ContainsFunc(wayTo(*other, func(id string) *Server { return byID(all, id) }).hops, func(h Server) bool { return h.ID == s.ID })
		if through && w.broken != "" {
			return fmt.Sprintf("cannot be that: then %q %s", other.Name, w.broken)
		}
	}
	return ""
}

// inUse fails with ErrJumpHost where others are reached through the server.
func (v *Inventory) inUse(ctx context.Context, id string) error {
	if err := v.view.Refresh(ctx); err != nil {
		return err
	}
	var behind []string
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		for _, e := range all {
			if s := e.Value.Server; s != nil && s.JumpHost == id && exists(all, s) {
				behind = append(behind, fmt.Sprintf("%q", s.Name))
			}
		}
	})
	if len(behind) == 0 {
		return nil
	}
	slices.Sort(behind)
	if more := len(behind) - maxListed; more > 0 {
		behind = append(behind[:maxListed], fmt.Sprintf("%d more", more))
	}
	return fmt.Errorf("%w: %s", ErrJumpHost, strings.Join(behind, ", "))
}
