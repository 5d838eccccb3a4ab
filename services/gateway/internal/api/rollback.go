package api

import (
	"errors"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

func (a *API) rollBack(c *call) (answer, error) {
	o, done, err := a.asked(c)
	if err != nil || done != nil {
		return accepted(done), err
	}
	to, given := o.Text("to")
	if given {
		c.errs.Check("to", rule.Version(to))
	}
	chosen := map[string]bool{"servers": o.Given("servers"), "strategy": o.Given("strategy")}
	listed := readServers(o)
	course := readCourse(o, &c.errs, time.Now())
	course.callback = a.readCallback(o, &c.errs)
	c.refuseSets(course)
	o.End()
	of, err := a.Deployments.Finished(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	if given && to == of.Version {
		c.errs.Add("to", "is the version that the deployment shipped")
	}
	if err := a.wayBack(c, &of, &course, chosen); err != nil {
		return answer{}, err
	}
	servers, err := a.begunOn(c, of, listed)
	if err != nil {
		return answer{}, err
	}
	c.checkHealth(course.policy, servers)
	c.checkRollback(to, course.policy)
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	order := c.follow(of, servers, course)
	if err := a.callBack(c, order, course); err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	return acceptedNow(a.Deployments.RollBack(ctx, order, deployments.Undoing{Of: of.ID, From: of.Version, To: to}))
}

// follow orders something that follows a deployment on these servers.
func (c *call) follow(of deployments.Finished, servers []inventory.Server, w course) deployments.Order {
	return deployments.Order{
		ID: c.attempt.Resource, Project: of.Project, Origin: of.Origin,
		Application: contract.Application{Name: of.Application, Path: of.Path, Keep: of.Keep},
		Work:        of.Work,
		Servers:     inventory.Ordered(servers, w.orderBy), Policy: w.policy,
		Metadata: w.metadata, Actor: c.caller.Name, Record: c.record,
	}
}

// begunOn returns the servers of the deployment that are to be rolled back, as
// they are today, in the order of its plan: those listed, or all of them.
func (a *API) begunOn(c *call, of deployments.Finished, listed []string) ([]inventory.Server, error) {
	chosen, err := a.listedOf(c, of, listed)
	if err != nil || len(c.errs) > 0 {
		return nil, err
	}
	about := of.About
	if chosen != nil {
		about = slices.DeleteFunc(slices.Clone(about), func(t contract.TargetStatus) bool { return !chosen[t.Host] })
	}
	return a.today(c, about, "list the servers that are to be rolled back in servers, without these")
}

// today returns the servers of these targets as they are today. Where some were
// deleted meanwhile, it fails with their names and with what helps.
func (a *API) today(c *call, targets []contract.TargetStatus, help string) ([]inventory.Server, error) {
	var ids []string
	names := map[string]string{}
	for _, t := range targets {
		ids = append(ids, t.Host)
		names[t.Host] = t.Name
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	servers, missing, err := a.Servers.Lookup(ctx, ids)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		gone := problemf(codeDeleted, "%s", help)
		for _, id := range missing {
			gone.errs.Add("servers", "%q (%s) was deleted", names[id], id)
		}
		return nil, gone
	}
	a.checkReachable(c, servers)
	return servers, nil
}

// listedOf returns the ids of the listed servers, or nil where none is listed;
// what is wrong is added to the call's errors.
func (a *API) listedOf(c *call, of deployments.Finished, listed []string) (map[string]bool, error) {
	if listed == nil {
		return nil, nil
	}
	begun := map[string]bool{}
	for _, t := range of.About {
		begun[t.Host] = true
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	servers, err := a.Servers.Choose(ctx, inventory.Choice{Listed: listed})
	var unknown field.Errors
	if errors.As(err, &unknown) {
		c.errs = append(c.errs, unknown...)
		return nil, nil
	}
	chosen := map[string]bool{}
	for _, s := range servers {
		if !begun[s.ID] {
			c.errs.Add("servers", "%q (%s) was not deployed to by this deployment", s.Name, s.ID)
		}
		chosen[s.ID] = true
	}
	return chosen, err
}
