package platform

import (
	"context"
	"strconv"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

// server is one as clients know it.
type server struct {
	ID   uint64 `json:"id"`
	Name string `json:"name"`
	Host string `json:"host"`
	Port int    `json:"port"`
}

func serverOf(s dialects.Server, number uint64) server {
	return server{ID: number, Name: s.Name, Host: s.Address, Port: s.Port}
}

// servers lists all servers, so that clients learn their numbers.
func servers(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	all, err := dialects.All[dialects.Server](ctx, r, dialects.Operation{Route: "GET /v1/servers"})
	if err != nil {
		return dialects.Reply{}, err
	}
	p, err := readPage(r.Said)
	if err != nil {
		return dialects.Reply{}, err
	}
	first, end := p.of(len(all))
	ids := make([]string, 0, end-first)
	for _, s := range all[first:end] {
		ids = append(ids, s.ID)
	}
	given, err := r.Numbers(ctx, numbers.Server, ids...)
	if err != nil {
		return dialects.Reply{}, err
	}
	rows := make([]server, 0, len(ids))
	for _, s := range all[first:end] {
		rows = append(rows, serverOf(s, given[s.ID]))
	}
	return ok(listed[server]{rows, len(all), p.number, p.size}), nil
}

// oneServer shows a server.
func oneServer(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	number, id, err := named(ctx, r, numbers.Server)
	if err != nil {
		return dialects.Reply{}, err
	}
	var s dialects.Server
	if err := r.Do(ctx, dialects.Operation{Route: "GET /v1/servers/:id", Params: []string{id}}, &s); err != nil {
		return dialects.Reply{}, err
	}
	return ok(serverOf(s, number)), nil
}

// named returns the number in the path, and the native id of what has it.
func named(ctx context.Context, r *dialects.Request, kind numbers.Kind) (uint64, string, error) {
	number, err := strconv.ParseUint(r.Param("id"), 10, 64)
	if err != nil {
		r.Said.Wrong("id", dialects.NotNumber)
		return 0, "", r.Said.Err()
	}
	id, err := r.Numbered(ctx, kind, number)
	return number, id, err
}
