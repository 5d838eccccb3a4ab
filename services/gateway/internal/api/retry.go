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
// that it failed on.
func (a *API) retry(c *call) (answer, error) {
	o, done, err := a.asked(c)
	if err != nil || done != nil {
		return accepted(done), err
	}
	course := readCourse(o, &c.errs, time.Now())
	course.refuse = a.readBusy(o, course.policy)
	o.End()
	of, err := a.Deployments.FailedOn(c.ctx, c.id())
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
	deploys := deploy.Kind(of.Kind) == deploy.KindDeploy
	if !deploys {
		c.checkRollback(of.Version, course.policy)
	}
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	again, err := a.again(c, of)
	if err != nil {
		return answer{}, err
	}
	order := c.follow(of, servers, course)
	order.RetryOf = of.ID
	if err := a.admit(c, order, course.refuse && deploys); err != nil { // a rollback needs no place: what it mends cannot wait
		return answer{}, err
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	return acceptedNow(again(ctx, order))
}

// again returns what accepts once more what a deployment did.
func (a *API) again(c *call, of deployments.Finished) (func(context.Context, deployments.Order) (contract.Deployment, error), error) {
	if deploy.Kind(of.Kind) == deploy.KindRollback {
		undoing := deployments.Undoing{Of: of.RollbackOf, From: of.From, To: of.Version}
		return func(ctx context.Context, o deployments.Order) (contract.Deployment, error) {
			return a.Deployments.RollBack(ctx, o, undoing)
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
