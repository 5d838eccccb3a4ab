package api

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/modes"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/platform"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/rex"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/sourcedeploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects/sync"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// spoken is every dialect, as it is set up.
func spoken(s Speech) []dialects.Dialect {
	return []dialects.Dialect{platform.Dialect, modes.Dialect(s.Modes), sync.Dialect, rex.Dialect(s.Rex), sourcedeploy.Dialect}
}

// dialectAt is the dialect that a path lies in; nil is none.
func (a *API) dialectAt(path string) *dialects.Dialect {
	for _, d := range spoken(a.Speech) {
		if d.Covers(path) {
			return &d
		}
	}
	return nil
}

// Speech is how dialects are set up.
type Speech struct {
	Rex   rex.Config
	Modes modes.Config
}

// Forms are the formats of callbacks beside events, by name: those of dialects.
var Forms = map[string]webhooks.Form{modes.Name: modes.Callback}

// translation is a route of a dialect, and what serves it.
type translation struct {
	dialect dialects.Dialect
	spoken  dialects.Route
	route   route
}

// translations returns the routes of all dialects.
func translations(s Speech) []translation {
	var all []translation
	for _, d := range spoken(s) {
		for _, r := range d.Routes {
			all = append(all, translation{d, r, route{r.Method, r.At(d), r.Needs, anyBody, forDialect, translate(r)}})
		}
	}
	return all
}

// actionsOfDialects is what their routes do, where no native operation tells of that.
var actionsOfDialects = func() map[string]action {
	all := map[string]action{}
	for _, d := range spoken(Speech{}) {
		for _, r := range d.Routes {
			all[r.Method+" "+r.At(d)] = action{name: r.Action, translated: !r.Itself}
		}
	}
	return all
}()

// translate has a request followed in its dialect. What it is about is looked at by the
// native operations.
func translate(r dialects.Route) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		c.looked = true
		if r.Itself {
			if err := c.within(access.All); err != nil {
				return answer{}, err
			}
		}
		if r.Within != "" {
			if err := c.within(r.Within); err != nil {
				return answer{}, err
			}
		}
		read := dialects.Read
		if c.dialect.JSONAlone {
			read = dialects.ReadJSON
		}
		said, err := read(c.http.QueryParams(), c.media, c.body)
		if err != nil {
			return answer{}, err
		}
		n := &native{api: a, outer: c}
		request := &dialects.Request{Native: n, Said: said, Param: c.name}
		if c.attempt != nil {
			request.ID = c.attempt.Part(0).Resource
		}
		got, err := r.Handle(c.ctx, request)
		if err != nil {
			return answer{}, err
		}
		if got.Stream != nil {
			c.lingers = true
			return n.stream(c.ctx, *got.Stream)
		}
		out := answer{status: got.Status, body: got.Body, kept: got.Kept}
		if p := got.Undone; p != nil {
			out.undone = undone{p.Status, code(p.Code)}
		}
		return out, nil
	}
}

// refuseIn answers in a dialect with the problem that err is, and returns the status.
func (a *API) refuseIn(d dialects.Dialect, c *call, err error) int {
	p := problemOf(err)
	a.logFailure(c.http, p, err)
	p.announce(c.http.Response().Header())
	told := p.told()
	_ = errors.As(err, &told) // with the status that the dialect found
	said := d.Refuse(told)
	_ = c.http.JSON(said.Status, said.Body)
	return said.Status
}

// told is the problem as dialects know it.
func (p *problem) told() *dialects.Problem {
	out := &dialects.Problem{Status: p.status(), Code: string(p.code), Detail: p.detail}
	if out.Detail == "" {
		out.Detail = kinds[p.code].title
	}
	for _, e := range p.errs {
		out.Fields = append(out.Fields, dialects.Wrong{Field: e.Field, Message: e.Message})
	}
	return out
}

// native has operations done for the caller of a request in a dialect, one after another.
type native struct {
	api   *API
	outer *call
	asked map[string]int // how often each operation, by its digest; nil before the first
}

// Do implements dialects.Native. The operation is recorded and logged like one that was
// sent.
func (n *native) Do(ctx context.Context, op dialects.Operation, into any) error {
	r, c, err := n.call(ctx, op)
	if err != nil {
		return err
	}
	return n.api.passOn(n.outer, r, c, into) //nolint:contextcheck // the call has it
}

// byName is routes, to be looked up in.
var byName = func() map[string]route {
	all := make(map[string]route, len(routes))
	for _, r := range routes {
		all[r.method+" "+r.path] = r
	}
	return all
}()

// parameters are the names of those in the path of the route.
func (r route) parameters() []string {
	var names []string
	for part := range strings.SplitSeq(r.path, "/") {
		if name, is := strings.CutPrefix(part, ":"); is {
			names = append(names, name)
		}
	}
	return names
}

// at is the path of the route with these parameters in it, as a client's would be read.
func (r route) at(params []string) string {
	parts := strings.Split(r.path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			parts[i], params = params[0], params[1:]
		}
	}
	return strings.Join(parts, "/")
}

// silent takes what a handler would write itself: nothing of it is for a client.
type silent struct{ header http.Header }

func (w silent) Header() http.Header         { return w.header }
func (w silent) Write(p []byte) (int, error) { return len(p), nil }
func (w silent) WriteHeader(int)             {}
