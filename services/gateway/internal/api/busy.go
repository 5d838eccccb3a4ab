package api

import (
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

// What may follow where too many deployments are under way.
const (
	BusyWait   = "wait"   // in order
	BusyRefuse = "refuse" // the request
)

// readBusy takes whether a deployment of this policy is refused where too many
// are under way. No place can be kept for one that begins later: it waits, unless
// the request itself says otherwise, which is an error.
func (a *API) readBusy(o *field.Object, p contract.Policy) (refuse bool) {
	later := ""
	switch {
	case p.Approval != nil:
		later = "approval"
	case p.StartAt != nil:
		later = "start_at"
	case p.Calendar != nil:
		later = "calendar"
	}
	asked, given := o.OneOf("when_busy", BusyWait, BusyRefuse)
	if !given {
		return later == "" && a.WhenBusy == BusyRefuse
	}
	if asked == BusyRefuse && later != "" {
		o.Check("when_busy", "cannot be refuse together with "+later+": no place can be kept for later")
	}
	return asked == BusyRefuse
}

// admit has a place kept for an order that is not to wait for one. It comes last
// before the order is accepted: what is refused then has left nothing behind.
func (a *API) admit(c *call, o deployments.Order, refuse bool) error {
	if !refuse {
		return nil
	}
	return a.Deployments.Admit(c.ctx, o.ID, o.Project)
}
