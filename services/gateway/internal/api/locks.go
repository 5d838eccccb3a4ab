package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// lock is a server that a deployment has, as it is sent.
type lock struct {
	Server     string   `json:"server"`
	Name       string   `json:"name,omitempty"` // none: the server was deleted
	Deployment string   `json:"deployment"`
	Waiting    []string `json:"waiting"` // deployments, in order
}

// locks is a page of them, with who has a place.
type locks struct {
	page[lock]
	Slots slots `json:"slots"`
}

// slots is who is under way, where that is limited.
type slots struct {
	All     int    `json:"all,omitempty"`     // that may be under way; none: any number
	Project int    `json:"project,omitempty"` // of one project; the same
	Holders []slot `json:"holders"`
	Waiting []slot `json:"waiting"`
}

type slot struct {
	Deployment string    `json:"deployment"`
	Project    string    `json:"project,omitempty"`
	Since      time.Time `json:"since"`
}

func slotsOf(s contract.Slots) slots {
	out := slots{All: s.All, Project: s.Project, Holders: make([]slot, len(s.Holders)), Waiting: make([]slot, len(s.Waiting))}
	for i, holder := range s.Holders {
		out.Holders[i] = slot(holder)
	}
	for i, waiting := range s.Waiting {
		out.Waiting[i] = slot(waiting)
	}
	return out
}

func (a *API) listLocks(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	asked := contract.ListLocks{Limit: readLimit(q), After: readCursor(q, &c.errs, contract.ValidToken)}
	server, given := q.Text("server")
	q.End()
	if given && len(c.errs) == 0 {
		if asked.Host, err = a.lockedServer(c, server); errors.Is(err, inventory.ErrNotFound) {
			c.errs.Add("server", "no server has this id or name")
			err = nil
		}
	}
	if err := errors.Join(err, c.errs.Err()); err != nil {
		return answer{}, err
	}
	found, err := a.Deployments.Locks(c.ctx, asked)
	if err != nil {
		return answer{}, err
	}
	names, err := a.namesOf(c, found.Hosts)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if n := len(found.Hosts); found.More && n > 0 {
		next = found.Hosts[n-1].Host
	}
	return ok(locks{pageOf(found.Hosts, next, func(l contract.HostLock) lock {
		return lock{Server: l.Host, Name: names[l.Host], Deployment: l.Owner, Waiting: append([]string{}, l.Waiting...)}
	}), slotsOf(found.Slots)})
}

// namesOf returns the names that the locked servers have today.
func (a *API) namesOf(c *call, hosts []contract.HostLock) (map[string]string, error) {
	ids := make([]string, len(hosts))
	for i, h := range hosts {
		ids[i] = h.Host
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	servers, _, err := a.Servers.Lookup(ctx, ids)
	names := map[string]string{}
	for _, s := range servers {
		names[s.ID] = s.Name
	}
	return names, err
}

// breakLock takes a server from the deployment that has it.
func (a *API) breakLock(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	asked := contract.BreakLock{Actor: c.caller.Name}
	asked.Deployment, _ = q.Required("deployment")
	if asked.Deployment != "" && !contract.ValidToken(asked.Deployment) {
		c.errs.Add("deployment", "is not the id of one")
	}
	asked.Reason = readText(c, q, "reason", func(s string) string { return rule.Printable(s, 1, maxReason) })
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	server, err := a.lockedServer(c, c.name("server"))
	if err != nil {
		return answer{}, err
	}
	if _, err := a.Deployments.BreakLock(c.ctx, server, asked); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusNoContent}, nil
}

// lockedServer returns the id of the server of this id or name, or
// inventory.ErrNotFound. A deleted server is still known by its id: a deployment
// may have it all the same.
func (a *API) lockedServer(c *call, ref string) (string, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	servers, err := a.Servers.Choose(ctx, inventory.Choice{Listed: []string{ref}})
	var unknown field.Errors
	switch {
	case errors.As(err, &unknown) && inventory.IsIdentifier(ref):
		return ref, nil
	case errors.As(err, &unknown):
		return "", inventory.ErrNotFound
	case err != nil:
		return "", err
	}
	return servers[0].ID, nil
}
