package api

import (
	"cmp"
	"context"
	"net/http"
	"path"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
)

// recordFirst has the audit log say that this is asked for, before anything is changed, but for handlers that see to it.
func (a *API) recordFirst(c *call, r route) error {
	if !r.changes() || r.action().waits {
		return nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	return c.record()(ctx)
}

// recorder returns what has the audit log say, once, that what this call asks for is about to be done.
func (a *API) recorder(c *call, r route) deployments.Record {
	return func() func(context.Context) error {
		if c.ticket == nil {
			made := ""
			if r.action().makes {
				made = c.attempt.Resource
			}
			c.ticket = a.Audit.Ask(a.entry(c, r, made))
		}
		return func(ctx context.Context) error { return a.Audit.Wait(ctx, c.ticket) }
	}
}

// recordOutcome has the audit log say what became of a call: of every one that may change something, and of others that
// were refused for who asks or how often. What a request in a dialect changes is told by the native calls that it makes;
// where it was refused before, by itself.
func (a *API) recordOutcome(c *call, r route, status int) {
	came := cmp.Or(c.undone, status)
	denied := slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests}, status)
	refused := r.translates() && !c.passed && came >= http.StatusBadRequest
	if r.needs == public || !r.changes() && !denied && !refused {
		return
	}
	made := ""
	if location := c.http.Response().Header().Get("Location"); location != "" {
		made = path.Base(location)
	}
	e := a.entry(c, r, made)
	e.Status, e.Code = status, string(c.code)
	switch {
	case came < http.StatusBadRequest:
		e.Outcome = audit.Accepted
	case came < http.StatusInternalServerError:
		e.Outcome = audit.Refused
	default:
		e.Outcome = audit.Failed
	}
	a.Audit.Tell(e, c.ticket)
}

// entry is what is known of the call by now. Nothing of its body is in it, nor of its query. made is the id of what it
// makes.
func (a *API) entry(c *call, r route, made string) audit.Entry {
	e := audit.Entry{
		Action: r.action().name, Actor: c.actor(), Digest: c.digest, Remote: a.remote(c), Request: requestIDOf(c.http),
		Time: time.Now().UTC().Truncate(time.Millisecond),
	}
	if c.attempt != nil {
		e.Repeat = c.attempt.Resumed || c.attempt.Answer != nil
	}
	e.Object, e.Made = c.about(r.action(), made)
	return e
}

// about returns what the call is about, and the id of what it makes where that is another thing.
func (c *call) about(act action, made string) (*audit.Object, string) {
	switch {
	case act.kind == "":
		return nil, ""
	case act.id == "" && act.in != "":
		return &audit.Object{Kind: act.kind, ID: audit.Text(c.name(act.in) + "/" + made)}, ""
	case act.id == "":
		return &audit.Object{Kind: act.kind, ID: made}, ""
	}
	id := c.name(act.id)
	if act.in != "" {
		id = c.name(act.in) + "/" + id
	}
	return &audit.Object{Kind: act.kind, ID: audit.Text(id)}, made
}

// actor is who made the call, as the audit log knows them; nil: nobody who is known.
func (c *call) actor() *audit.Actor {
	if c.caller.ID == "" {
		return nil
	}
	return &audit.Actor{ID: audit.Text(c.caller.ID), Name: audit.Text(c.caller.Name)}
}

// remote is the address that the call came from, "" if that cannot be told.
func (a *API) remote(c *call) string {
	if from := a.Door.AddressOf(c.http.Request()); from.IsValid() {
		return from.String()
	}
	return ""
}

// digestOf tells requests apart. Nobody can guess from it what is in them (idempotency.Fingerprint).
func digestOf(c *call) string { return digestAs(c, c.http.Request().URL.Path) }

// digestAs is the digest of the call as if it had this path.
func digestAs(c *call, path string) string {
	req := c.http.Request()
	return idempotency.Fingerprint(c.secret, req.Method, path, req.URL.Query(), c.body)
}
