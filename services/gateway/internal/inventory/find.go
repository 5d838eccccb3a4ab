package inventory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/mirror"
)

// Filter chooses servers. What is empty is no condition.
type Filter struct {
	Name   string
	Labels map[string]string
	After  string // id of the last one of the page before
	Limit  int
}

// Get returns a server and its revision, or ErrNotFound.
func (v *Inventory) Get(ctx context.Context, id string) (Server, uint64, error) {
	if err := v.view.Refresh(ctx); err != nil {
		return Server{}, 0, err
	}
	var (
		server Server
		rev    uint64
	)
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		if s := byID(all, id); s != nil {
			server, rev = found(all, s), all[id].Revision
		}
	})
	if rev == 0 {
		return Server{}, 0, ErrNotFound
	}
	return server, rev, nil
}

// List returns the servers that match, by id and so oldest first, and whether
// there are more than the limit.
func (v *Inventory) List(ctx context.Context, f Filter) (servers []Server, more bool, err error) {
	if err := v.view.Refresh(ctx); err != nil {
		return nil, false, err
	}
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		if f.Name != "" {
			if s := byName(all, f.Name); s != nil && s.ID > f.After && s.Matches(f.Labels) {
				servers = append(servers, found(all, s))
			}
			return
		}
		for _, e := range all {
			if s := e.Value.Server; s != nil && s.ID > f.After && s.Matches(f.Labels) && exists(all, s) {
				servers = append(servers, found(all, s))
			}
		}
	})
	slices.SortFunc(servers, func(a, b Server) int { return cmp.Compare(a.ID, b.ID) })
	if f.Limit > 0 && len(servers) > f.Limit {
		return servers[:f.Limit], true, nil
	}
	return servers, false, nil
}

// Choice is a client's choice of servers: those listed, by id or name, then
// those that carry all labels of the selector, then those of a group.
type Choice struct {
	Listed   []string
	Selector map[string]string
	Group    map[string]string // its selector
}

// Empty says whether nothing is chosen.
func (c Choice) Empty() bool { return len(c.Listed) == 0 && len(c.Selector) == 0 && len(c.Group) == 0 }

// Choose returns the chosen servers as they all are at one moment, each once: as
// listed, then by name, those of a group last. It fails with field.Errors that name what matches
// nothing.
func (v *Inventory) Choose(ctx context.Context, c Choice) ([]Server, error) {
	if err := v.view.Refresh(ctx); err != nil {
		return nil, err
	}
	var (
		errs   field.Errors
		chosen []Server
		seen   = map[string]bool{}
	)
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		add := func(s *Server) {
			if !seen[s.ID] {
				seen[s.ID] = true
				chosen = append(chosen, found(all, s))
			}
		}
		for i, ref := range c.Listed {
			s := byID(all, ref)
			if s == nil {
				s = byName(all, ref)
			}
			if s == nil {
				errs.Add(fmt.Sprintf("servers[%d]", i), "no server has this id or name")
				continue
			}
			add(s)
		}
		for _, by := range []struct {
			field  string
			labels map[string]string
		}{{"selector", c.Selector}, {"group", c.Group}} {
			matching := selected(all, by.labels)
			if len(matching) == 0 && len(by.labels) > 0 {
				errs.Add(by.field, "matches no server")
			}
			for _, s := range matching {
				add(s)
			}
		}
	})
	return chosen, errs.Err()
}

// selected returns the servers with these labels, by name; without labels, none.
func selected(all map[string]mirror.Entry[stored], labels map[string]string) []*Server {
	if len(labels) == 0 {
		return nil
	}
	var matching []*Server
	for _, e := range all {
		if s := e.Value.Server; s != nil && s.Matches(labels) && exists(all, s) {
			matching = append(matching, s)
		}
	}
	slices.SortFunc(matching, func(a, b *Server) int { return cmp.Compare(a.Name, b.Name) })
	return matching
}

func byID(all map[string]mirror.Entry[stored], id string) *Server {
	if s := all[id].Value.Server; s != nil && exists(all, s) {
		return s
	}
	return nil
}

func byName(all map[string]mirror.Entry[stored], name string) *Server {
	if c := all[nameKey(name)].Value.Claim; c != nil {
		if s := byID(all, c.Server); s != nil && s.Name == name {
			return s
		}
	}
	return nil
}

// Lookup returns the servers with these ids, in that order, and the ids that no
// server has.
func (v *Inventory) Lookup(ctx context.Context, ids []string) (servers []Server, missing []string, err error) {
	if err := v.view.Refresh(ctx); err != nil {
		return nil, nil, err
	}
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		for _, id := range ids {
			if s := byID(all, id); s != nil {
				servers = append(servers, found(all, s))
			} else {
				missing = append(missing, id)
			}
		}
	})
	return servers, missing, nil
}

// NameOf returns the name of a server, or "" where it is not known.
func (v *Inventory) NameOf(ctx context.Context, id string) string {
	e, ok := v.view.Get(id)
	if !ok && v.view.Refresh(ctx) == nil {
		e, ok = v.view.Get(id)
	}
	if !ok || e.Value.Server == nil {
		return ""
	}
	return e.Value.Server.Name
}

// Refresh brings the copy that answers come from up to date.
func (v *Inventory) Refresh(ctx context.Context) error { return v.view.Refresh(ctx) }

// Locator returns what finds the name of the server that others mean by a name or else an
// address, or "": of several servers with one address it is none.
func (v *Inventory) Locator(ctx context.Context) (func(name, address string) string, error) {
	if err := v.view.Refresh(ctx); err != nil {
		return nil, err
	}
	var named, addressed map[string]string
	v.view.View(func(all map[string]mirror.Entry[stored]) {
		named, addressed = map[string]string{}, addresses(all, nil)
		for _, e := range all {
			if s := e.Value.Server; s != nil && exists(all, s) {
				named[s.Name] = s.Name
			}
		}
	})
	return func(name, address string) string { return cmp.Or(named[name], addressed[address]) }, nil
}
