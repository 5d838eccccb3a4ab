package api

import (
	"cmp"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// initialise has the supervisors of servers know the programs of an application. It is
// a deployment of a kind of its own, so that it never meets another on a server.
func (a *API) initialise(c *call) (answer, error) {
	o, done, err := a.asked(c)
	if err != nil || done != nil {
		return accepted(done), err
	}
	application := c.http.Param("application")
	c.errs.Check("application", rule.Application(application))
	project := mayHold(o, "project", rule.Project)
	if !c.errs.Has("project") {
		if err := c.within(project); err != nil {
			return answer{}, err
		}
	}
	path := a.readInitPath(o, application)
	programs := readPrograms(o)
	course := readCourse(o, &c.errs, time.Now())
	course.refuse = a.readBusy(o, course.policy)
	course.callback = a.readCallback(o, &c.errs)
	c.refuseSets(course)
	c.checkInit(course.policy)
	choice, group, err := a.readChoice(c, o)
	if err != nil {
		return answer{}, err
	}
	o.End()
	servers, err := a.choose(c, choice)
	if err != nil {
		return answer{}, err
	}
	c.checkHealth(course.policy, servers)
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	order := deployments.Order{
		ID: c.attempt.Resource, Project: project, Origin: contract.Origin{Group: group},
		Application: contract.Application{Name: application, Path: path, Keep: defaultKeep},
		Servers:     inventory.Ordered(servers, course.orderBy), Policy: course.policy,
		Metadata: course.metadata, Actor: c.caller.Name, Record: c.record,
	}
	if err := a.admit(c, order, course.refuse); err != nil {
		return answer{}, err
	}
	if err := a.callBack(c, order, course); err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	return acceptedNow(a.Deployments.Init(ctx, order, programs))
}

// readInitPath takes where the application lies: by its path, its profile, or where those
// lie that say nothing.
func (a *API) readInitPath(o *field.Object, application string) string {
	name, byProfile := o.Text("profile")
	directory := mayHold(o, "directory", rule.Inside)
	said := ""
	p, known := a.Profiles[name]
	switch {
	case !byProfile:
		o.Refuse("directory", noProfile)
	case !known:
		o.Check("profile", a.unknownProfile())
	default:
		said = pathIn(p.For(application, cmp.Or(directory, application)))
	}
	return cmp.Or(readPath(o), said, rule.DefaultPath(application))
}

// readPrograms takes the configuration of a supervisord.
func readPrograms(parent *field.Object) contract.Programs {
	o, ok := parent.Object("supervisor")
	if !ok {
		parent.Check("supervisor", "is required")
		return contract.Programs{}
	}
	p := contract.Programs{
		Content: mustHold(o, "content", rule.Programs), Socket: cmp.Or(mayHold(o, "socket", rule.Socket), defaultSocket),
	}
	o.End()
	return p
}

// checkInit refuses what an init cannot have: it brings no release.
func (c *call) checkInit(p contract.Policy) {
	if p.Failures.Then == string(deploy.OverrunReverts) {
		c.errs.Add("failures.then", "cannot be %s: an init brings no release", deploy.OverrunReverts)
	}
	if namesVersion(p.Strategy.Analysis) {
		c.errs.Add("strategy.analysis.checks", "cannot hold {{version}}: an init brings none")
	}
}
