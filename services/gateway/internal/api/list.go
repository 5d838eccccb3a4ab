package api

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const maxText = 200 // characters that names are searched for

func (a *API) listDeployments(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	l := contract.ListDeployments{Limit: readLimit(q)}
	l.Application = readText(c, q, "application", rule.Application)
	l.Project = readText(c, q, "project", rule.Project)
	l.Actor = readText(c, q, "actor", searchable)
	l.Batch = readText(c, q, "batch", identifier)
	l.Stage, l.Template = readText(c, q, "stage", rule.Application), readText(c, q, "template", rule.Application)
	l.Metadata = readNoted(c, q)
	l.Text = readText(c, q, "text", searchable)
	l.State = q.OneOf("state", deploymentStates...)
	l.Order = q.OneOf("sort", contract.OrderNewest, contract.OrderOldest)
	l.From, l.To = readTime(q, &c.errs, "from"), readTime(q, &c.errs, "to")
	l.After = placeOf(readCursor(q, &c.errs, func(s string) bool { return placeOf(s) != nil }))
	if l.Server, err = a.readServer(c, q); err != nil {
		return answer{}, err
	}
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, last, err := a.visible(c, l)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if found.More {
		next = fmt.Sprintf("%d.%s", last.AcceptedAt.UnixMilli(), last.ID)
	}
	return ok(pageOf(found.Deployments, next, deploymentOf))
}

// mostRead bounds how many deployments are looked at for a page of those that the
// caller may see: it may hold fewer than were asked for, and be followed by others.
const mostRead = 5 * maxLimit

// visible returns a page of the deployments that the caller may see, and the last one
// that was looked at.
func (a *API) visible(c *call, l contract.ListDeployments) (found contract.Deployments, last contract.Deployment, err error) {
	want, everything := l.Limit, c.unlimited()
	if !everything {
		l.Limit = maxLimit
	}
	if mine := c.caller.Grants.Projects(c.needs); !everything && len(mine) == 1 && l.Project == "" {
		l.Project = mine[0] // history finds them at once; each is looked at all the same
	}
	for read := 0; read < mostRead; read += l.Limit {
		page, err := a.Deployments.List(c.ctx, l)
		if err != nil {
			return found, last, err
		}
		found.More = page.More
		for i, d := range page.Deployments {
			last = d
			if everything || c.sees([]string{d.Project}) {
				found.Deployments = append(found.Deployments, d)
			}
			if len(found.Deployments) == want {
				found.More = page.More || i+1 < len(page.Deployments)
				return found, last, nil
			}
		}
		if !page.More {
			break
		}
		l.After = &contract.Place{AcceptedAt: last.AcceptedAt, ID: last.ID}
	}
	return found, last, nil
}

// placeOf reads where a page begins; nil where it does not say.
func placeOf(cursor string) *contract.Place {
	at, id, _ := strings.Cut(cursor, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	accepted := time.UnixMilli(ms).UTC()
	if err != nil || rule.Writable(accepted) != "" || !contract.ValidToken(id) {
		return nil
	}
	return &contract.Place{AcceptedAt: accepted, ID: id}
}

func identifier(s string) string {
	if contract.ValidToken(s) {
		return ""
	}
	return "must be an id"
}

func searchable(s string) string { return rule.Printable(s, 1, maxText) }

// readTime takes a time such as 2026-03-01T12:00:00Z; nil where none is given.
func readTime(q *field.Query, errs *field.Errors, name string) *time.Time {
	text, given := q.Text(name)
	if !given {
		return nil
	}
	at, wrong := rule.Time(text)
	errs.Check(name, wrong)
	return &at
}

// readServer takes a server, by its name or its id, and returns the id. One that was
// deleted has a past, too: it goes by its id.
func (a *API) readServer(c *call, q *field.Query) (string, error) {
	ref, given := q.Text("server")
	if !given {
		return "", nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	servers, err := a.Servers.Choose(ctx, inventory.Choice{Listed: []string{ref}})
	var unknown field.Errors
	switch {
	case errors.As(err, &unknown) && contract.ValidToken(ref):
		return ref, nil
	case errors.As(err, &unknown):
		c.errs.Add("server", "no server has this id or name")
		return "", nil
	case err != nil:
		return "", err
	}
	return servers[0].ID, nil
}
