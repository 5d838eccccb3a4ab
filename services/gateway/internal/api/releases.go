package api

import (
	"errors"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

// serverReleases is what one server holds, as it is sent.
type serverReleases struct {
	Server   string    `json:"server"`
	Name     string    `json:"name"`
	Current  string    `json:"current,omitempty"`
	Intact   bool      `json:"intact"`
	Previous string    `json:"previous,omitempty"`
	Releases []release `json:"releases"`
	Failure  *failure  `json:"failure,omitempty"`
}

type release struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
}

func releasesOf(name string, h contract.HostReleases) serverReleases {
	out := serverReleases{
		Server: h.Host, Name: name, Current: h.Current, Intact: h.Intact, Previous: h.Previous,
		Releases: make([]release, len(h.Releases)), Failure: failureOf(h.Failure),
	}
	for i, r := range h.Releases {
		out.Releases[i] = release(r)
	}
	return out
}

func (a *API) listReleases(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	path := a.readPlace(c, q).path
	servers, next, err := a.inspected(c, q)
	if err != nil {
		return answer{}, err
	}
	rows, err := a.Deployments.Inspect(c.ctx, path, servers)
	if err != nil {
		return answer{}, err
	}
	at := -1
	return ok(pageOf(rows, next, func(h contract.HostReleases) serverReleases {
		at++
		return releasesOf(servers[at].Name, h)
	}))
}

// inspected returns the page of servers that is asked about, and where the next
// one begins.
func (a *API) inspected(c *call, q *field.Query) (servers []inventory.Server, next string, err error) {
	limit := readLimit(q)
	after := readCursor(q, &c.errs, contract.ValidToken)
	listed, _ := q.Texts("server")
	labels, byLabel := q.Texts("label")
	selector := inventory.ParseSelector("label", labels, &c.errs)
	q.End()
	switch {
	case len(listed) > 0 && byLabel:
		c.errs.Add("label", "cannot be given together with server")
	case len(listed) > 0 && after != "":
		c.errs.Add("cursor", "cannot be given together with server")
	case len(listed) > maxLimit:
		c.errs.Add("server", "may be given at most %d times", maxLimit)
	}
	if err := c.errs.Err(); err != nil {
		return nil, "", err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	if len(listed) > 0 {
		servers, err = a.Servers.Choose(ctx, inventory.Choice{Listed: listed})
		return servers, "", inParameter("server", err)
	}
	servers, more, err := a.Servers.List(ctx, inventory.Filter{Labels: selector, After: after, Limit: limit})
	if more {
		next = servers[len(servers)-1].ID
	}
	return servers, next, err
}

// inParameter says the same of a repeated query parameter as of a list in a
// body.
func inParameter(name string, err error) error {
	var errs field.Errors
	if !errors.As(err, &errs) {
		return err
	}
	renamed := make(field.Errors, len(errs))
	for i, e := range errs {
		_, index, _ := strings.Cut(e.Field, "[")
		renamed[i] = field.Error{Field: name + "[" + index, Message: e.Message}
	}
	return renamed
}
