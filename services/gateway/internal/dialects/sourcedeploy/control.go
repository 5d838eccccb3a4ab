package sourcedeploy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

// handler carries out a route.
type handler = func(context.Context, *dialects.Request) (dialects.Reply, error)

// control asks of the deployment in the path what the verb says.
func control(verb deploy.Verb) handler {
	return func(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
		_, d, err := theDeployment(ctx, r)
		if err != nil {
			return dialects.Reply{}, err
		}
		return ask(ctx, r, d, verb, map[string]any{})
	}
}

// approval answers what a deployment waits for before it begins: natively, what rejects
// that and what rejects a canary is one verb.
func approval(verb deploy.Verb) handler {
	return func(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
		_, d, err := theDeployment(ctx, r)
		if err != nil {
			return dialects.Reply{}, err
		}
		if verb == deploy.Approve {
			return accept(ctx, r, d)
		}
		if repeated := d.Cause == deploy.CauseNotApproved; d.Digest == "" && !repeated {
			return dialects.Reply{}, noApproval(d)
		}
		return ask(ctx, r, d, verb, map[string]any{})
	}
}

// noPlan is a digest that no plan has: nothing is approved by it. Natively, a deployment
// that was approved already is answered the same with every digest.
var noPlan = strings.Repeat("0", 2*sha256.Size)

// accept approves a deployment, or repeats that.
func accept(ctx context.Context, r *dialects.Request, d deployment) (dialects.Reply, error) {
	if d.Digest != "" {
		return ask(ctx, r, d, deploy.Approve, map[string]any{"digest": d.Digest})
	}
	reply, err := ask(ctx, r, d, deploy.Approve, map[string]any{"digest": noPlan})
	if isStatus(err, http.StatusConflict) {
		err = noApproval(d)
	}
	return reply, err
}

func noApproval(d deployment) error {
	return misplaced("the deployment waits for no approval: it is %s", d)
}

// canary says whether the canary, or what traffic has gone to, is good.
func canary(verb deploy.Verb) handler {
	return func(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
		_, d, err := theDeployment(ctx, r)
		if err != nil {
			return dialects.Reply{}, err
		}
		switch {
		case d.Cause == deploy.CauseNotApproved: // natively, the no to its plan would be one to its canary, too
			return dialects.Reply{}, noCanary(d)
		case d.State == deploy.Holding, d.State == deploy.Analyzing:
		case d.State.Terminal(), d.State == deploy.Halting, d.State == deploy.Reverting: // it may be a repeat
		default:
			return dialects.Reply{}, noCanary(d)
		}
		return ask(ctx, r, d, verb, map[string]any{})
	}
}

func noCanary(d deployment) error {
	return misplaced("no canary waits for a verdict: the deployment is %s", d)
}

func misplaced(format string, d deployment) error {
	return &dialects.Problem{
		Status: http.StatusConflict, Code: "state_conflict", Detail: fmt.Sprintf(format, statusOf(d.State, d.Cause)),
	}
}

func ask(ctx context.Context, r *dialects.Request, d deployment, verb deploy.Verb, body any) (dialects.Reply, error) {
	op := dialects.Operation{Route: "POST /v1/deployments/:id/" + string(verb), Params: []string{d.ID}, Body: body}
	if err := r.Do(ctx, op, nil); err != nil {
		return dialects.Reply{}, err
	}
	return done()
}
