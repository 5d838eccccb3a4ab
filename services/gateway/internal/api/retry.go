package api

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
)

// retry makes a deployment of its own of what a deployment did, on the servers
// that it failed on, or on all.
func (a *API) retry(c *call) (answer, error) {
	o, done, err := a.asked(c)
	if err != nil || done != nil {
		return accepted(done), err
	}
	all, _ := o.Bool("all")
	course := readCourse(o, &c.errs, time.Now())
	course.refuse = a.readBusy(o, course.policy)
	course.callback = a.readCallback(o, &c.errs)
	o.End()
	find := a.Deployments.FailedOn
	if all {
		find = a.Deployments.BegunOn
	}
	of, err := find(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	if of.Strategy == string(deploy.BlueGreen) { // some of its hosts would go through it alone
		return answer{}, problemf(codeState, "a deployment from one set to another cannot be retried in part: ask for it again")
	}
	c.refuseSets(course)
	servers, err := a.today(c, of.About, "deploy to the others instead")
	if err != nil {
		return answer{}, err
	}
	c.checkHealth(course.policy, servers)
	switch deploy.Kind(of.Kind) {
	case deploy.KindRollback:
		course.refuse = false // it needs no place: what it mends cannot wait
		c.checkRollback(of.Version, course.policy)
	case deploy.KindInit:
		c.checkInit(course.policy)
	}
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	again, err := a.again(c, of)
	if err != nil {
		return answer{}, err
	}
	order := c.follow(of, servers, course)
	order.RetryOf, order.Application.Remove = of.ID, of.Remove
	if err := a.admit(c, order, course.refuse); err != nil {
		return answer{}, err
	}
	if err := a.callBack(c, order, course); err != nil {
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	return acceptedNow(again(ctx, order))
}

// again returns what accepts once more what a deployment did.
func (a *API) again(c *call, of deployments.Finished) (func(context.Context, deployments.Order) (contract.Deployment, error), error) {
	switch deploy.Kind(of.Kind) {
	case deploy.KindRollback:
		undoing := deployments.Undoing{Of: of.RollbackOf, From: of.From, To: of.Version}
		return func(ctx context.Context, o deployments.Order) (contract.Deployment, error) {
			return a.Deployments.RollBack(ctx, o, undoing)
		}, nil
	case deploy.KindInit:
		if of.Programs == nil {
			return nil, problemf(codeState, "what it wrote is not known any more: ask for it again")
		}
		return func(ctx context.Context, o deployments.Order) (contract.Deployment, error) {
			return a.Deployments.Init(ctx, o, *of.Programs)
		}, nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	p, err := a.Packages.Get(ctx, of.Package)
	if errors.Is(err, packages.ErrNotFound) {
		return nil, problemf(codePackageGone, "version %s of %s was deleted", of.Version, of.Application)
	}
	return func(ctx context.Context, o deployments.Order) (contract.Deployment, error) {
		return a.Deployments.Deploy(ctx, o, p.Wire())
	}, err
}
