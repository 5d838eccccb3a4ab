package rex

import (
	"cmp"
	"context"
	"errors"
	"net/url"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
)

var (
	// errNothingBefore says that nothing was released there that could be taken back.
	errNothingBefore = errors.New("没有可回滚的版本")
	// errUntouched says that the last release has left a part as it was.
	errUntouched = errors.New("the last release did not change it")
)

// rollBack takes the servers of rows back to what the last release found there: the parts
// that it has changed, and no others.
func (c Config) rollBack(ctx context.Context, r *dialects.Request, rows []rextable.Program, _ bool) (outcome, string, error) {
	return c.each(ctx, r, rows, func(ctx context.Context, w *work, p part) (dialects.Operation, error) {
		last, err := lastOf(ctx, r, p, w.server)
		if err != nil {
			return dialects.Operation{}, err
		}
		for _, other := range w.parts {
			beside, err := lastOf(ctx, r, other, w.server)
			if err != nil {
				return dialects.Operation{}, err
			}
			// A part that fails keeps those behind it from being released: what those have is older.
			if beside.release() != last.release() && beside.ID > last.ID {
				return dialects.Operation{}, errUntouched
			}
		}
		if last.ID == "" {
			return dialects.Operation{}, errNothingBefore
		}
		targets, err := dialects.All[struct {
			Changed bool `json:"changed"`
		}](ctx, r, dialects.Operation{Route: "GET /v1/deployments/:id/targets", Params: []string{last.ID}})
		if err != nil {
			return dialects.Operation{}, err
		}
		if len(targets) == 1 && !targets[0].Changed {
			return dialects.Operation{}, errUntouched
		}
		return dialects.Operation{
			Route: "POST /v1/deployments/:id/rollback", Params: []string{last.ID}, As: "rollback of " + p.Application,
			Body: map[string]any{"servers": []string{w.server}},
		}, nil
	})
}

// released is a deployment of a part; the zero value is none.
type released struct {
	ID       string            `json:"id"`
	Project  string            `json:"project"`
	Kind     string            `json:"kind"`
	Path     string            `json:"path"`
	Metadata map[string]string `json:"metadata"`
}

// release is the same for all that one release has done.
func (d released) release() string { return cmp.Or(d.Metadata[noteRelease], d.ID) }

// lastOf returns the last deployment of a part to a server.
func lastOf(ctx context.Context, r *dialects.Request, p part, server string) (last released, err error) {
	query := url.Values{"application": {p.Application}, "server": {server}}
	err = dialects.Each(ctx, r, dialects.Operation{Route: "GET /v1/deployments", Query: query}, func(d released) bool {
		if d.Kind == "deploy" && d.Project == "" && d.Path == p.Base() {
			last = d
		}
		return last.ID == ""
	})
	return last, err
}
