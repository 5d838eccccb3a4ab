package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// item is a project, or what is in one, as it is sent: of its secrets, the names.
type item struct {
	ID          string                     `json:"id"`
	Project     string                     `json:"project,omitempty"`
	Name        string                     `json:"name"`
	Description string                     `json:"description,omitempty"`
	Labels      map[string]string          `json:"labels"`
	Selector    map[string]string          `json:"selector,omitempty"`
	Defaults    map[string]json.RawMessage `json:"defaults,omitempty"`
	Secrets     []string                   `json:"secrets,omitempty"`
	CreatedAt   time.Time                  `json:"created_at"`
	UpdatedAt   time.Time                  `json:"updated_at"`
}

func itemOf(i projects.Item) item {
	out := item{
		ID: i.ID, Project: i.Project, Name: i.Name, Description: i.Description, Labels: i.Labels, Selector: i.Selector,
		Defaults: i.Defaults, CreatedAt: i.CreatedAt, UpdatedAt: i.UpdatedAt,
	}
	if i.Kind == projects.Project {
		out.Project = ""
	}
	for _, s := range i.Secrets {
		out.Secrets = append(out.Secrets, s.Name)
	}
	return out
}

// collections is where items of a kind are, below their project.
var collections = map[projects.Kind]string{
	projects.Project: "/v1/projects", projects.Group: "/v1/groups",
	projects.Application: "/applications", projects.Stage: "/stages", projects.Template: "/templates",
}

func locationOf(i projects.Item) string {
	if i.Kind == projects.Project || i.Kind == projects.Group {
		return collections[i.Kind] + "/" + i.ID
	}
	return collections[projects.Project] + "/" + i.Project + collections[i.Kind] + "/" + i.ID
}

func itemAnswer(status int, i projects.Item, rev uint64) answer {
	return answer{status: status, header: map[string]string{"ETag": etag(rev)}, body: itemOf(i)}
}

func itemCreated(i projects.Item, rev uint64) answer {
	got := itemAnswer(http.StatusCreated, i, rev)
	got.header["Location"] = locationOf(i)
	return got
}

// project returns the project in the path, if the caller may see it: else it is as if
// it were not there.
func (a *API) project(c *call) (projects.Item, uint64, error) {
	p, rev, err := a.Projects.FindProject(c.ctx, c.name("project"))
	if err == nil && !c.caller.Grants.Allow(access.ProjectsRead, p.Name) {
		err = projects.ErrNotFound
	}
	if err != nil {
		c.looked = true // nothing is shown
		return projects.Item{}, 0, err
	}
	return p, rev, c.within(p.Name)
}

// parent returns the name of the project that items of the kind belong to, "" for
// those that belong to none.
func (a *API) parent(c *call, kind projects.Kind) (string, error) {
	if kind == projects.Project || kind == projects.Group {
		return "", nil
	}
	p, _, err := a.project(c)
	return p.Name, err
}

// item returns the item in the path, and its revision.
func (a *API) item(c *call, kind projects.Kind) (projects.Item, uint64, error) {
	if kind == projects.Project {
		return a.project(c)
	}
	project, err := a.parent(c, kind)
	if err != nil {
		return projects.Item{}, 0, err
	}
	return a.Projects.Get(c.ctx, kind, project, c.name(string(kind)))
}

func createItem(kind projects.Kind) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		if err := c.noQuery(); err != nil {
			return answer{}, err
		}
		project, err := a.parent(c, kind)
		if err != nil {
			return answer{}, err
		}
		o, err := c.object()
		if err != nil {
			return answer{}, err
		}
		in := projects.ReadNew(kind, o, &c.errs)
		now := time.Now().UTC().Truncate(time.Millisecond)
		i, err := in.Apply(projects.Item{ID: c.attempt.Resource, Kind: kind, Project: project, CreatedAt: now}, a.Seal, now)
		if kind == projects.Project && !c.errs.Has("name") {
			if err := c.within(i.Name); err != nil {
				return answer{}, err
			}
		}
		if err := a.checkItem(c.errs, i, err); err != nil {
			return answer{}, err
		}
		i, rev, err := a.Projects.Create(c.ctx, i)
		if err != nil {
			return answer{}, err
		}
		return itemCreated(i, rev), nil
	}
}

// checkItem returns all that is wrong with an item that is to be stored: what was known
// before, and what Apply has found, among it.
func (a *API) checkItem(errs field.Errors, i projects.Item, found error) error {
	var more field.Errors
	if found != nil && !errors.As(found, &more) {
		return found
	}
	errs = append(errs, more...)
	if len(errs) == 0 && i.Kind != projects.Group {
		if err := a.checkDefaults(i, &errs); err != nil {
			return err
		}
	}
	return errs.Err()
}

func listItems(kind projects.Kind) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		project, err := a.parent(c, kind)
		if err != nil {
			return answer{}, err
		}
		q, err := c.query()
		if err != nil {
			return answer{}, err
		}
		labels, _ := q.Texts("label")
		f := projects.Filter{
			Kind: kind, Project: project, Limit: readLimit(q), Labels: inventory.ParseSelector("label", labels, &c.errs),
			Name: readText(c, q, "name", rule.Application), After: readCursor(q, &c.errs, func(s string) bool { return rule.Application(s) == "" }),
		}
		if kind == projects.Project {
			f.Fits = func(p projects.Item) bool { return c.sees([]string{p.Name}) }
			c.looked = true // where there is no project, too
		}
		q.End()
		if err := c.errs.Err(); err != nil {
			return answer{}, err
		}
		found, more, err := a.Projects.List(c.ctx, f)
		if err != nil {
			return answer{}, err
		}
		next := ""
		if more {
			next = found[len(found)-1].Name
		}
		return ok(pageOf(found, next, itemOf))
	}
}

func getItem(kind projects.Kind) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		if err := c.noQuery(); err != nil {
			return answer{}, err
		}
		i, rev, err := a.item(c, kind)
		if err != nil {
			return answer{}, err
		}
		return itemAnswer(http.StatusOK, i, rev), nil
	}
}

// itemToChange returns what the path names, and the revision of it that the client
// insists on, or 0.
func (a *API) itemToChange(c *call, kind projects.Kind) (i projects.Item, must uint64, err error) {
	if err := c.noQuery(); err != nil {
		return projects.Item{}, 0, err
	}
	if must, err = ifMatch(c); err != nil {
		return projects.Item{}, 0, err
	}
	i, _, err = a.item(c, kind)
	return i, must, err
}

func changeItem(kind projects.Kind) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		have, must, err := a.itemToChange(c, kind)
		if err != nil {
			return answer{}, err
		}
		o, err := c.object()
		if err != nil {
			return answer{}, err
		}
		in := projects.ReadPatch(kind, o, &c.errs)
		if err := c.errs.Err(); err != nil {
			return answer{}, err
		}
		i, rev, err := a.Projects.Change(c.ctx, have, must, func(i projects.Item) (projects.Item, error) {
			next, err := in.Apply(i, a.Seal, time.Now())
			return next, a.checkItem(nil, next, err)
		})
		if err != nil {
			return answer{}, err
		}
		return itemAnswer(http.StatusOK, i, rev), nil
	}
}

func deleteItem(kind projects.Kind) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		i, must, err := a.itemToChange(c, kind)
		if err != nil {
			return answer{}, err
		}
		if err := a.Projects.Delete(c.ctx, i, must); err != nil {
			return answer{}, err
		}
		return answer{status: http.StatusNoContent}, nil
	}
}
