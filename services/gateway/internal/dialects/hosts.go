package dialects

import (
	"context"
	"net"
	"net/url"
	"slices"
	"strconv"
)

// Hosts are the servers that a client names.
type Hosts struct {
	IDs       []string            // of those that there are, each once
	Called    map[string][]string // what the client calls them, by id: by name and by address, perhaps
	Unknown   []string            // names that no server has
	Ambiguous []string            // addresses that several servers have
}

// Find looks for the servers that a client names: by their name in the inventory, and
// else by their address, also with its port.
func Find(ctx context.Context, n Native, names []string) (Hosts, error) {
	found := Hosts{Called: map[string][]string{}}
	servers, err := All[Server](ctx, n, Operation{Route: "GET /v1/servers"})
	if err != nil {
		return found, err
	}
	byName, byAddress := map[string]string{}, map[string][]string{}
	for _, s := range servers {
		byName[s.Name] = s.ID
		for _, address := range []string{s.Address, net.JoinHostPort(s.Address, strconv.Itoa(s.Port))} {
			byAddress[address] = append(byAddress[address], s.ID)
		}
	}
	for _, name := range names {
		ids := byAddress[name]
		if id, ok := byName[name]; ok {
			ids = []string{id}
		}
		switch len(ids) {
		case 0:
			found.Unknown = append(found.Unknown, name)
		case 1:
			found.add(ids[0], name)
		default:
			found.Ambiguous = append(found.Ambiguous, name)
		}
	}
	return found, nil
}

func (h *Hosts) add(id, name string) {
	if _, twice := h.Called[id]; !twice {
		h.IDs = append(h.IDs, id)
	}
	h.Called[id] = append(h.Called[id], name)
}

// Tell notes what there is to say of a server, under every name that the client calls it.
func (h Hosts) Tell(said map[string]string, id, what string) {
	for _, name := range h.Called[id] {
		said[name] = what
	}
}

// Ask reads something from the hosts, a row for each, by an operation that takes their ids
// as server.
func Ask[T any](ctx context.Context, n Native, h Hosts, route string, query url.Values) ([]T, error) {
	var rows []T
	for ids := range slices.Chunk(h.IDs, PageSize) {
		q := url.Values{"server": ids}
		for name, values := range query {
			q[name] = values
		}
		var page struct {
			Items []T `json:"items"`
		}
		if err := n.Do(ctx, Operation{Route: route, Query: q}, &page); err != nil {
			return nil, err
		}
		rows = append(rows, page.Items...)
	}
	return rows, nil
}

// Outcome waits for the end of a deployment and returns what became of it on its servers.
func Outcome(ctx context.Context, n Native, deployment string) ([]Target, error) {
	if err := n.Ended(ctx, deployment); err != nil {
		return nil, err
	}
	return All[Target](ctx, n, Operation{Route: "GET /v1/deployments/:id/targets", Params: []string{deployment}})
}
