package api

import (
	"errors"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
)

// retry makes a deployment of its own of what a deployment did, on the servers
// that it failed on.
func (a *API) retry(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	if done, err := a.acceptedBefore(c); err != nil || done != nil {
		return accepted(done), err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	policy := readCourse(o, &c.errs)
	o.End()
	of, err := a.Deployments.FailedOn(c.ctx, c.id())
	if err != nil {
		return answer{}, err
	}
	servers, err := a.today(c, of.About, "deploy to the others instead")
	if err != nil {
		return answer{}, err
	}
	c.checkHealth(policy, servers)
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	d, err := a.again(c, of, deployments.Order{
		ID:          c.attempt.Resource,
		Application: contract.Application{Name: of.Application, Path: of.Path, Keep: of.Keep},
		Servers:     servers, Policy: policy, Actor: c.token.Name, RetryOf: of.ID,
	})
	return acceptedNow(d, err)
}

// again accepts what a deployment did, once more.
func (a *API) again(c *call, of deployments.Finished, o deployments.Order) (contract.Deployment, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	if deploy.Kind(of.Kind) == deploy.KindRollback {
		return a.Deployments.RollBack(ctx, o, deployments.Undoing{Of: of.RollbackOf, From: of.From, To: of.Version})
	}
	p, err := a.Packages.Get(ctx, of.Package)
	if errors.Is(err, packages.ErrNotFound) {
		return contract.Deployment{}, problemf(codePackageGone, "version %s of %s was deleted", of.Version, of.Application)
	}
	if err != nil {
		return contract.Deployment{}, err
	}
	return a.Deployments.Deploy(ctx, o, p.Wire())
}
