package api

import (
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/access"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
)

// forbidden says which permission is missing, and where.
func (c *call) forbidden(project string) error {
	where := ""
	switch mine := c.caller.Grants.Projects(c.needs); {
	case c.needs.Reach() == access.Everywhere:
		where = " over all projects"
	case len(mine) == 0: // nowhere
	case project == access.All:
		where = " for what belongs to no project, only in: " + strings.Join(mine, ", ")
	default:
		where = fmt.Sprintf(" in the project %q, only in: %s", project, strings.Join(mine, ", "))
	}
	p := problemf(codeForbidden, "you do not have the permission %s%s", c.needs, where)
	p.permission = c.needs
	return p
}

// permit fails where the caller may not do this at all, or not to the deployment that it
// is about. What else it is about is looked at where that is known, by c.within and its
// like.
func (a *API) permit(c *call, r route) error {
	c.needs = r.needs
	if r.needs != public && !c.caller.Grants.Somewhere(r.needs) {
		return c.forbidden("")
	}
	if r.ofDeployment() {
		return a.permitDeployment(c)
	}
	return nil
}

// within fails where the call is not permitted for what belongs to this project.
func (c *call) within(project string) error {
	c.looked = true
	if !c.caller.Grants.Allow(c.needs, project) {
		return c.forbidden(project)
	}
	return nil
}

// unlimited says whether the call is permitted whatever it is about.
func (c *call) unlimited() bool {
	c.looked = true
	return c.caller.Grants.Allow(c.needs, access.All)
}

// sees says whether the call is permitted for something that belongs to all of these
// projects, or to none.
func (c *call) sees(projects []string) bool {
	c.looked = true
	return c.caller.Grants.AllowEach(c.needs, projects)
}

// overlooked says that an answer was about to be given without a look at what it is
// about, to somebody who may not see everything. That is a mistake in a handler, which
// then says nothing at all.
func (c *call) overlooked() bool {
	return c.needs.Reach() == access.PerProject && !c.looked && !c.caller.Grants.Allow(c.needs, access.All)
}

// ofDeployment says whether the route is about the deployment whose id is in its path.
func (r route) ofDeployment() bool { return strings.HasPrefix(r.path+"/", "/v1/deployments/:id/") }

// permitDeployment fails where the call is not permitted for the deployment in its
// path. To who may not read it, it is as if it were not there.
func (a *API) permitDeployment(c *call) error {
	if c.unlimited() {
		return nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	project, err := a.Deployments.Project(ctx, c.id())
	switch {
	case err != nil:
		return err
	case !c.caller.Grants.Allow(access.DeploymentsRead, project):
		return deployments.ErrNotFound
	}
	return c.within(project)
}
