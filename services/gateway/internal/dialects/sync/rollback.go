package sync

import (
	"context"
	"slices"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// rollBack switches servers to a release that they still hold: a deployment of what is
// there already, to which nothing is sent.
func rollBack(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	rel := readRelease(r.Said)
	return rel.onServers(ctx, r, rolledBack, func(lasting context.Context, hosts dialects.Hosts, failed map[string]string) (dialects.Reply, error) {
		held, err := rel.held(lasting, r, hosts)
		if err != nil {
			return dialects.Reply{}, err
		}
		var able []string
		for _, h := range held {
			switch {
			case h.Failure != nil:
				hosts.Tell(failed, h.Server, reason(h.Failure))
			case !holds(h, rel.filename):
				hosts.Tell(failed, h.Server, notReleased)
			default:
				able = append(able, h.Server)
			}
		}
		if len(able) == 0 {
			return done(failed, rolledBack), nil
		}
		known, err := dialects.All[dialects.Package](lasting, r, dialects.Operation{
			Route: "GET /v1/packages", Query: map[string][]string{"application": {rel.project}, "version": {rel.filename}},
		})
		if err != nil {
			return dialects.Reply{}, asSaid(err)
		}
		known = slices.DeleteFunc(known, func(p dialects.Package) bool { return p.Project != "" }) // what clients of it deploy belongs to none
		if len(known) == 0 {
			for _, id := range able {
				hosts.Tell(failed, id, notKnown)
			}
			return done(failed, rolledBack), nil
		}
		order := rel.order(able)
		order.Package = known[0].ID
		return carryOut(ctx, lasting, r, order, hosts, failed, rolledBack)
	})
}

func holds(h dialects.Releases, version string) bool {
	for _, r := range h.Releases {
		if r.Version == version {
			return true
		}
	}
	return false
}

// held reads what servers hold of the application.
func (rel release) held(ctx context.Context, r *dialects.Request, hosts dialects.Hosts) ([]dialects.Releases, error) {
	rows, err := dialects.Ask[dialects.Releases](ctx, r, hosts, "GET /v1/releases", place(rel.project, rel.language, rel.directory))
	return rows, asSaid(err)
}
