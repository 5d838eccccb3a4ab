package api

import (
	"maps"
	"slices"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// readCallback takes who is to be told of the events of a deployment.
func (a *API) readCallback(o *field.Object, errs *field.Errors) *webhooks.Input {
	in, asked := webhooks.ReadCallback(o, errs, a.Webhooks.Guard, slices.Sorted(maps.Keys(Forms)))
	if !asked {
		return nil
	}
	if err := a.Webhooks.on(); err != nil {
		o.Check("callback_url", err.Error())
	}
	return &in
}

// callBack keeps who is to be told of a deployment that is about to be accepted: before it is, so that no event can be
// missed. Where it is not accepted after all, what is kept is swept.
func (a *API) callBack(c *call, o deployments.Order, w course) error {
	if w.callback == nil {
		return nil
	}
	ctx, cancel := a.brief(c)
	defer cancel()
	if err := c.record()(ctx); err != nil {
		return err
	}
	hook, _, err := w.callback.Apply(webhooks.Webhook{ID: o.ID, Deployment: o.ID, Owner: c.caller.Name}, a.Webhooks.Seal, time.Now())
	if o.Project != "" {
		hook.Projects = []string{o.Project} // who may see the project's webhooks may see it
	}
	if err == nil {
		_, _, err = a.Webhooks.Store.Create(ctx, hook)
	}
	return err
}
