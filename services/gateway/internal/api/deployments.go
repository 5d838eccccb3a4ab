package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

	// newestPackage, in place of an id, is the package of the application that was added last, of those that the
	// project may ship.
	newestPackage = "newest"
)

// wanted is what a client wants to be deployed.
type wanted struct {
	application, packageID, version, path string
	choice                                inventory.Choice
	group                                 string // by which the servers are chosen; "": none
	keep                                  int
	remove                                []string
	work                                  *contract.Work
	course                                course
	dryRun                                bool // answer with the plan, and accept nothing
}

func (a *API) createDeployment(c *call) (answer, error) {
	o, done, err := a.asked(c)
	if err != nil || done != nil {
		return accepted(done), err
	}
	project := mayHold(o, "project", rule.Project)
	if !c.errs.Has("project") {
		if err := c.within(project); err != nil {
			return answer{}, err
		}
	}
	of, err := a.layReferred(c, o, project)
	if err != nil {
		return answer{}, err
	}
	w, err := a.readWanted(c, o, of, time.Now())
	if err != nil {
		return answer{}, err
	}
	p, err := a.wantedPackage(c, project, w)
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
		ID: c.attempt.Resource, Project: project,
		Application: contract.Application{Name: w.application, Path: w.path, Keep: w.keep, Remove: w.remove},
		Work:        w.work,
		Servers:     servers, Policy: w.course.policy, Metadata: w.course.metadata,
		Actor: c.caller.Name, Batch: c.batch, Record: c.record,
		Origin: contract.Origin{Stage: of.stage, Template: of.template, Group: w.group},
	}
	if w.dryRun {
		return planOf(order, p.Wire(), w.course)
	}
	if err := a.admit(c, order, w.course.refuse); err != nil {
		return answer{}, err
	}
	if err := a.callBack(c, order, w.course); err != nil {
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
	if err := c.within(d.Project); err != nil {
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

func (a *API) readWanted(c *call, o *field.Object, of referred, now time.Time) (wanted, error) {
	w := wanted{keep: defaultKeep}
	w.application, _ = o.Required("application")
	if w.application != "" {
		c.errs.Check("application", rule.Application(w.application))
	}
	a.layProfile(o, w.application, of.taken)
	w.packageID, _ = o.Text("package")
	w.version, _ = o.Text("version")
	w.path = cmp.Or(readPath(o), rule.DefaultPath(w.application))
	if keep, ok := o.Int("keep", 1, maxKeep); ok {
		w.keep = keep
	}
	w.remove = readRemove(o)
	var err error
	if w.work, err = readWork(o, w.application, a.Seal, of.secrets); err != nil {
		return w, err
	}
	w.course = a.readWhole(o, &c.errs, now)
	w.dryRun, _ = o.Bool("dry_run")
	if w.dryRun && c.batch != "" {
		c.errs.Add("dry_run", "cannot be asked for in a batch: ask for the plan of each by itself")
	}
	w.choice, w.group, err = a.readChoice(c, o)
	o.End()
	return w, err
}

// readRemove takes the versions that are not to stay on servers.
func readRemove(o *field.Object) []string {
	versions, _ := o.Texts("remove")
	if len(versions) > maxKeep {
		o.Check("remove", fmt.Sprintf("must be at most %d", maxKeep))
		return nil
	}
	for i, version := range versions {
		o.Check(fmt.Sprintf("remove[%d]", i), rule.Version(version))
	}
	return versions
}

// readPath takes where an application lies on servers; "" is not said.
func readPath(o *field.Object) string {
	path, ok := o.Text("path")
	if !ok {
		return ""
	}
	o.Check("path", rule.Path(path))
	return rule.CleanPath(path)
}

// readChoice takes which servers it is about, and the name of the group that says so.
func (a *API) readChoice(c *call, o *field.Object) (inventory.Choice, string, error) {
	choice := inventory.Choice{Listed: readServers(o), Selector: inventory.ReadSelector(o, "selector")}
	absent := func(name string) bool { return !o.Given(name) || o.Null(name) }
	if absent("servers") && absent("selector") && absent("group") {
		c.errs.Add("servers", "is required, or selector or group")
	}
	group, err := a.readGroup(c, o)
	choice.Group = group.Selector
	return choice, group.Name, err
}

func readServers(o *field.Object) []string {
	servers, ok := o.Texts("servers")
	switch {
	case ok && len(servers) == 0:
		o.Check("servers", "must name at least one")
	case len(servers) > maxServers:
		o.Check("servers", fmt.Sprintf("must be at most %d", maxServers))
		return nil
	}
	return servers
}

// wantedPackage finds the package for a deployment of the project. What is wrong with the request is added to
// the call's errors.
func (a *API) wantedPackage(c *call, project string, w wanted) (packages.Package, error) {
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
	p, err := a.findWanted(ctx, project, w)
	switch {
	case errors.Is(err, packages.ErrNotFound):
		c.errs.Add(name, "there is no such package of this application")
		err = nil
	case err == nil && p.Application != w.application:
		c.errs.Add(name, "is a package of another application")
	case err == nil && !p.For(project):
		c.errs.Add(name, "is a package of another project")
	}
	return p, err
}

func (a *API) findWanted(ctx context.Context, project string, w wanted) (packages.Package, error) {
	switch w.packageID {
	case "":
		return a.Packages.Shipped(ctx, project, w.application, w.version)
	case newestPackage:
		return a.Packages.Newest(ctx, project, w.application)
	}
	return a.Packages.Get(ctx, w.packageID)
}

// choose finds the chosen servers; what is wrong is added to the call's errors.
func (a *API) choose(c *call, choice inventory.Choice) ([]inventory.Server, error) {
	if choice.Empty() {
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
