package deployments

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// Control asks a scheduler to change the course of a deployment, and returns
// where it stands then. It fails with ErrNotFound, with ErrState where the state
// forbids it, or with ErrNoAnswer.
func (d *Desk) Control(ctx context.Context, id string, c contract.Control) (contract.Controlled, error) {
	if !contract.ValidToken(id) {
		return contract.Controlled{}, ErrNotFound
	}
	done, err := d.control(ctx, id, c)
	if !errors.Is(err, ErrNotFound) {
		return done, err
	}
	// The scheduler may not have come to the command yet, or may have forgotten
	// what ended long ago.
	stands, err := d.Get(ctx, id)
	switch {
	case err != nil:
		return done, err
	case deploy.State(stands.State).Terminal():
		return afterwards(stands, c)
	}
	done, err = d.control(ctx, id, c)
	if errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("%w: no scheduler has come to the deployment yet", ErrNoAnswer)
	}
	return done, err
}

func (d *Desk) control(ctx context.Context, id string, c contract.Control) (contract.Controlled, error) {
	return ask[contract.Controlled](ctx, d, contract.Controls, contract.Envelope{Deployment: id}, c, d.limits.Query)
}

// afterwards is the answer for a deployment that has ended: to ask for the end
// that it had is no mistake.
func afterwards(d contract.Deployment, c contract.Control) (contract.Controlled, error) {
	state, verb := deploy.State(d.State), deploy.Verb(c.Verb)
	if verb == deploy.Cancel && state == deploy.Cancelled || verb == deploy.Reject && state == deploy.Rejected {
		return contract.Controlled{State: d.State, Cause: d.Cause}, nil
	}
	return contract.Controlled{}, fmt.Errorf("%w: the deployment has ended: %s", ErrState, d.State)
}
