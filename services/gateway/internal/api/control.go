package api

import (
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const maxReason = 500 // characters

// controlled is where a deployment stands after something was asked of it.
type controlled struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Cause string `json:"cause,omitempty"`
}

// control asks of the deployment in the path what the verb says. The scheduler
// decides, and asking again for what holds already is answered the same.
func control(verb deploy.Verb) func(*API, *call) (answer, error) {
	return func(a *API, c *call) (answer, error) {
		if err := c.noQuery(); err != nil {
			return answer{}, err
		}
		o, err := c.object()
		if err != nil {
			return answer{}, err
		}
		asked := contract.Control{Verb: string(verb), Actor: c.caller.Name}
		asked.Reason = readReason(o)
		if verb == deploy.Approve {
			digest, given := o.Required("digest")
			if given {
				c.errs.Check("digest", rule.SHA256(digest))
			}
			asked.Digest = strings.ToLower(digest)
		}
		o.End()
		if err := c.errs.Err(); err != nil {
			return answer{}, err
		}
		done, err := a.Deployments.Control(c.ctx, c.id(), asked)
		if err != nil {
			return answer{}, err
		}
		return ok(controlled{c.id(), done.State, done.Cause})
	}
}

// readReason takes why a person asks.
func readReason(o *field.Object) string {
	reason, given := o.Text("reason")
	if given {
		o.Check("reason", rule.Printable(reason, 1, maxReason))
	}
	return reason
}
