package deployments

import (
	"context"
	"errors"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	pageSize = 500
	// keepAll is how many releases a rollback leaves on a server where it is not
	// known any more how many the deployment was told to: as many as can be asked
	// for, since a rollback must not remove what a deployment would have kept.
	keepAll = 100
)

// Finished is a deployment that can be rolled back.
type Finished struct {
	contract.Deployment
	Keep  int                     // releases that stay on each server
	Begun []contract.TargetStatus // the targets that it did not skip, in the order of its plan
}

// Finished returns a deployment that can be rolled back, or ErrNotFound,
// ErrNotFinished or ErrNotADeploy.
func (d *Desk) Finished(ctx context.Context, id string) (Finished, error) {
	of, err := d.Get(ctx, id)
	switch {
	case err != nil:
		return Finished{}, err
	case deploy.Kind(of.Kind) != deploy.KindDeploy:
		return Finished{}, ErrNotADeploy
	case !deploy.State(of.State).Terminal():
		return Finished{}, ErrNotFinished
	}
	f := Finished{Deployment: of}
	for p := (Page{Limit: pageSize}); ; {
		page, err := d.targets(ctx, id, of.Seq, p)
		if err != nil {
			return f, err
		}
		for _, t := range page.Targets {
			if deploy.State(t.State) != deploy.Skipped {
				f.Begun = append(f.Begun, t)
			}
		}
		if page.Next <= p.First {
			break
		}
		p.First = page.Next
	}
	f.Keep, err = d.keep(ctx, id)
	return f, err
}

// keep returns how many releases the deployment was told to leave on a server.
func (d *Desk) keep(ctx context.Context, id string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	m, err := d.command(ctx, id)
	if errors.Is(err, bus.ErrNone) {
		return keepAll, nil
	}
	return rollout(m).Application.Keep, err
}
