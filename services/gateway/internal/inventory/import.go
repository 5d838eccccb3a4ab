package inventory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/services/gateway/internal/knownhosts"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// Outcome is what an import means for a server.
type Outcome string

// The outcomes.
const (
	Added     Outcome = "added"     // keys were stored beside what there was
	Replaced  Outcome = "replaced"  // other keys were stored before
	Unchanged Outcome = "unchanged" // all was stored before
	Conflict  Outcome = "conflict"  // another key of the same type is stored; it stays
	TooMany   Outcome = "too_many"  // more keys than a server can have; nothing was stored
)

// Imported is a server of which a known_hosts says something.
type Imported struct {
	Server  string
	Name    string
	Outcome Outcome
	Lines   []int
}

// Import is how a known_hosts is taken over.
type Import struct {
	File    knownhosts.File
	Replace bool // keys of the file take the place of others
	DryRun  bool // nothing is stored
}

// ImportKnownHosts gives each server the keys that the file has for its address, or
// else for its name, and returns those of which the file says something, by name.
// Doing it again changes nothing more.
func (v *Inventory) ImportKnownHosts(ctx context.Context, i Import) ([]Imported, error) {
	if err := v.view.Refresh(ctx); err != nil {
		return nil, err
	}
	var servers []Server
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		for _, e := range all {
			if s := e.Value.Server; s != nil && exists(all, s) {
				servers = append(servers, *s)
			}
		}
	})
	slices.SortFunc(servers, func(a, b Server) int { return strings.Compare(a.Name, b.Name) })
	var (
		mu       sync.Mutex
		outcomes = map[string]Imported{}
	)
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(takeover.AtOnce)
	for _, s := range servers {
		found := i.File.For(s.Port, s.Address, s.Name)
		if found.Empty() {
			continue
		}
		all.Go(func() error {
			outcome, err := v.importKeys(ctx, s, found, i)
			if err != nil || outcome == "" {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			outcomes[s.ID] = Imported{Server: s.ID, Name: s.Name, Outcome: outcome, Lines: found.Lines}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return nil, err
	}
	var imported []Imported
	for _, s := range servers {
		if one, ok := outcomes[s.ID]; ok {
			imported = append(imported, one)
		}
	}
	return imported, nil
}

// errNothing ends a change that has nothing to change.
var errNothing = errors.New("nothing to change")

// importKeys gives one server what was found of it. There is no outcome where the
// server was deleted meanwhile.
func (v *Inventory) importKeys(ctx context.Context, s Server, found knownhosts.Found, i Import) (outcome Outcome, err error) {
	take := func(s Server) (Server, error) {
		next, how := s.withKeys(found, i.Replace)
		if outcome = how; how != Added && how != Replaced {
			return s, errNothing
		}
		next.UpdatedAt = time.Now().UTC().Truncate(time.Millisecond)
		return next, nil
	}
	if _, err := take(s); errors.Is(err, errNothing) || i.DryRun {
		return outcome, nil
	}
	_, _, err = v.Change(ctx, s.ID, 0, take)
	switch {
	case errors.Is(err, ErrNotFound):
		return "", nil
	case errors.Is(err, errNothing):
		err = nil
	}
	return outcome, err
}

// withKeys is the server with the keys that were found, and what that means. Keys
// that are revoked are added in any case: that can only make it more careful.
func (s Server) withKeys(found knownhosts.Found, replace bool) (Server, Outcome) {
	next, outcome := s, Unchanged
	for _, list := range []struct {
		stored *string
		found  []string
		adds   bool // what is stored stays in any case
	}{
		{&next.HostKey, found.Keys, false}, {&next.HostCA, found.Authorities, false}, {&next.RevokedKeys, found.Revoked, true},
	} {
		if len(list.found) == 0 {
			continue
		}
		before := linesOf(*list.stored)
		after := knownhosts.Union(before, list.found)
		switch {
		case !list.adds && replace && !sameLines(before, list.found):
			if after = list.found; len(before) > 0 {
				outcome = Replaced
			}
		case list.stored == &next.HostKey && !replace && contradict(before, list.found):
			return s, Conflict
		}
		if len(after) > maxHostKeys {
			return s, TooMany
		}
		*list.stored = strings.Join(after, "\n")
		if *list.stored != strings.Join(before, "\n") && outcome == Unchanged {
			outcome = Added
		}
	}
	if !next.fits() {
		return s, TooMany
	}
	return next, outcome
}

func linesOf(keys string) []string {
	if keys == "" {
		return nil
	}
	return strings.Split(keys, "\n")
}

func sameLines(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// contradict says whether a stored key is of a type of which the file has others
// alone: a host has one key of each type.
func contradict(stored, found []string) bool {
	for _, have := range stored {
		kind, _, _ := strings.Cut(have, " ")
		ofKind := slices.ContainsFunc(found, func(k string) bool { return strings.HasPrefix(k, kind+" ") })
		if ofKind && !slices.Contains(found, have) {
			return true
		}
	}
	return false
}
