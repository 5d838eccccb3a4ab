package api

import (
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
)

// skip ends servers of a deployment before they begin. Which may still be
// skipped, the scheduler decides, for each by itself.
func (a *API) skip(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	asked := contract.Control{Verb: contract.ControlSkip, Actor: c.caller.Name, Reason: readReason(o)}
	listed, given := o.Texts("servers")
	switch {
	case given && len(listed) > contract.SkipLimit:
		o.Check("servers", fmt.Sprintf("must be at most %d", contract.SkipLimit))
	case len(listed) == 0 && (given || !o.Given("servers") || o.Null("servers")):
		o.Check("servers", "must name at least one")
	}
	o.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	if asked.Skip, err = a.planned(c, listed); err != nil {
		return answer{}, err
	}
	done, err := a.Deployments.Control(c.ctx, c.id(), asked)
	if err != nil {
		return answer{}, err
	}
	return ok(controlled{c.id(), done.State, done.Cause})
}

// planned returns the listed servers, by id or by the name that they had then, as
// the plan of the deployment has them, each once.
func (a *API) planned(c *call, listed []string) ([]contract.PlannedTarget, error) {
	found := map[string]bool{}
	for _, ref := range listed {
		found[ref] = false
	}
	meant := func(ref string) bool {
		_, ok := found[ref]
		if ok {
			found[ref] = true
		}
		return ok
	}
	var out []contract.PlannedTarget
	for p := (deployments.Page{Limit: maxLimit}); ; {
		page, err := a.Deployments.Targets(c.ctx, c.id(), p)
		if err != nil {
			return nil, err
		}
		for _, t := range page.Targets {
			if byID, byName := meant(t.Host), meant(t.Name); byID || byName {
				out = append(out, contract.PlannedTarget{Host: t.Host, Name: t.Name, Wave: t.Wave})
			}
		}
		if page.Next <= p.First {
			break
		}
		p.First = page.Next
	}
	for i, ref := range listed {
		if !found[ref] {
			c.errs.Add(fmt.Sprintf("servers[%d]", i), "is no server of this deployment")
		}
	}
	return out, c.errs.Err()
}
