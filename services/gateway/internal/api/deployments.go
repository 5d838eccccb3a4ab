package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	defaultKeep = 5
	maxKeep     = 100
	maxServers  = 10_000
)

// wanted is what a client wants to be deployed.
type wanted struct {
	project, application, packageID, version, path string
	choice                                         inventory.Choice
	keep                                           int
	work                                           *contract.Work
	course                                         course
	dryRun                                         bool // answer with the plan, and accept nothing
}

func (a *API) createDeployment(c *call) (answer, error) {
	o, done, err := a.asked(c)
	if err != nil || done != nil {
		return accepted(done), err
	}
	w := a.readWanted(o, &c.errs, time.Now())
	p, err := a.wantedPackage(c, w)
	if err != nil {
		return answer{}, err
	}
	servers, err := a.choose(c, w.choice)
	if err != nil {
		return answer{}, err
	}
	servers, err = a.arrange(c, &w.course, servers)
	if err != nil {
		return answer{}, err
	}
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	order := deployments.Order{
		ID: c.attempt.Resource, Project: w.project,
		Application: contract.Application{Name: w.application, Path: w.path, Keep: w.keep},
		Work:        w.work,
		Servers:     servers, Policy: w.course.policy, Actor: c.token.Name,
	}
	if w.dryRun {
		return planOf(order, p.Wire(), w.course)
	}
	if err := a.admit(c, order, w.course.refuse); err != nil {
		return answer{}, err
	}
	return a.deploy(c, order, p.Wire())
}

// deploy accepts a deployment of a package. The answer has the digest where it
// needs an approval.
func (a *API) deploy(c *call, o deployments.Order, p contract.Package) (answer, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	d, err := a.Deployments.Deploy(ctx, o, p)
	if err != nil || o.Policy.Approval == nil {
		return acceptedNow(d, err)
	}
	out, err := a.withDigest(c, d)
	return accepted(&out), err
}

// asked returns what a request for a deployment says, or else the deployment that
// an earlier attempt of it had accepted.
func (a *API) asked(c *call) (*field.Object, *deployment, error) {
	if err := c.noQuery(); err != nil {
		return nil, nil, err
	}
	if done, err := a.acceptedBefore(c); err != nil || done != nil {
		return nil, done, err
	}
	o, err := c.object()
	return o, nil, err
}

// acceptedBefore returns the deployment that an earlier attempt of this request
// had accepted, if it had come that far.
func (a *API) acceptedBefore(c *call) (*deployment, error) {
	if !c.attempt.Resumed {
		return nil, nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	d, found, err := a.Deployments.Accepted(ctx, c.attempt.Resource)
	if err != nil || !found {
		return nil, err
	}
	out, err := a.withDigest(c, d)
	return &out, err
}

func acceptedNow(d contract.Deployment, err error) (answer, error) {
	out := deploymentOf(d)
	return accepted(&out), err
}

func accepted(d *deployment) answer {
	if d == nil {
		return answer{}
	}
	return answer{
		status: http.StatusAccepted,
		header: map[string]string{"Location": "/v1/deployments/" + d.ID},
		body:   *d,
	}
}

func (a *API) readWanted(o *field.Object, errs *field.Errors, now time.Time) wanted {
	w := wanted{keep: defaultKeep}
	project, given := o.Text("project")
	if given {
		errs.Check("project", rule.Project(project))
		w.project = project
	}
	w.application, _ = o.Required("application")
	if w.application != "" {
		errs.Check("application", rule.Application(w.application))
	}
	w.packageID, _ = o.Text("package")
	w.version, _ = o.Text("version")
	w.path, _ = o.Text("path")
	if o.Given("path") && !o.Null("path") && !errs.Has("path") {
		errs.Check("path", rule.Path(w.path))
		w.path = rule.CleanPath(w.path)
	} else {
		w.path = rule.DefaultPath(w.application)
	}
	if keep, ok := o.Int("keep", 1, maxKeep); ok {
		w.keep = keep
	}
	w.work = readWork(o)
	w.course = a.readWhole(o, errs, now)
	w.dryRun, _ = o.Bool("dry_run")
	w.choice = inventory.Choice{Listed: readServers(o, errs), Selector: inventory.ReadSelector(o, "selector", errs)}
	absent := func(name string) bool { return !o.Given(name) || o.Null(name) }
	if absent("servers") && absent("selector") {
		errs.Add("servers", "is required, or selector")
	}
	o.End()
	return w
}

func readServers(o *field.Object, errs *field.Errors) []string {
	servers, ok := o.Texts("servers")
	switch {
	case ok && len(servers) == 0:
		errs.Add("servers", "must name at least one")
	case len(servers) > maxServers:
		errs.Add("servers", "must be at most %d", maxServers)
		return nil
	}
	return servers
}

// wantedPackage finds the package. What is wrong with the request is added to
// the call's errors.
func (a *API) wantedPackage(c *call, w wanted) (packages.Package, error) {
	name := "version"
	switch {
	case c.errs.Has("package") || c.errs.Has("version"):
	case w.packageID == "" && w.version == "":
		c.errs.Add(name, "is required, or package")
	case w.packageID != "" && w.version != "":
		c.errs.Add(name, "cannot be given together with package")
	case w.packageID != "":
		name = "package"
	}
	if c.errs.Has("package") || c.errs.Has("version") || c.errs.Has("application") {
		return packages.Package{}, nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	p, err := a.findWanted(ctx, w)
	switch {
	case errors.Is(err, packages.ErrNotFound):
		c.errs.Add(name, "there is no such package of this application")
		err = nil
	case err == nil && p.Application != w.application:
		c.errs.Add(name, "is a package of another application")
	}
	return p, err
}

func (a *API) findWanted(ctx context.Context, w wanted) (packages.Package, error) {
	if w.packageID != "" {
		return a.Packages.Get(ctx, w.packageID)
	}
	return a.Packages.Version(ctx, w.application, w.version)
}

// choose finds the chosen servers; what is wrong is added to the call's errors.
func (a *API) choose(c *call, choice inventory.Choice) ([]inventory.Server, error) {
	if len(choice.Listed) == 0 && len(choice.Selector) == 0 {
		return nil, nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	servers, err := a.Servers.Choose(ctx, choice)
	var unknown field.Errors
	if errors.As(err, &unknown) {
		c.errs = append(c.errs, unknown...)
		err = nil
	}
	if err == nil {
		a.checkReachable(c, servers)
	}
	if len(servers) > maxServers {
		c.errs.Add("servers", "must be at most %d", maxServers)
	}
	return servers, err
}

// checkReachable names the servers that no executor could connect to.
func (a *API) checkReachable(c *call, servers []inventory.Server) {
	for _, s := range servers {
		if why := s.Unfit(); why != "" {
			c.errs.Add("servers", "%q (%s) %s", s.Name, s.ID, why)
		}
	}
}
