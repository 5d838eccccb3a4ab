package deployments

import (
	"context"
	"errors"
	"fmt"

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

// Finished is a deployment that has ended, with those of its targets that what
// follows it is about.
type Finished struct {
	contract.Deployment
	Keep  int                     // releases that stay on each server
	Work  *contract.Work          // nil: none, or not known any more
	About []contract.TargetStatus // in the order of its plan
}

// Finished returns a deployment that can be rolled back, with the targets that it
// was begun on. It fails with ErrNotFound, ErrNotFinished, ErrNotADeploy or
// ErrNothing.
func (d *Desk) Finished(ctx context.Context, id string) (Finished, error) {
	of, err := d.Get(ctx, id)
	switch {
	case err != nil:
		return Finished{}, err
	case deploy.Kind(of.Kind) != deploy.KindDeploy:
		return Finished{}, ErrNotADeploy
	}
	f, err := d.finished(ctx, of, Page{}, wasBegun)
	if err == nil && len(f.About) == 0 {
		err = fmt.Errorf("%w: the deployment was begun on no server", ErrNothing)
	}
	return f, err
}

// wasBegun says whether a deployment may have changed something on a server. One
// that was cancelled between two steps may have.
func wasBegun(t contract.TargetStatus) bool {
	state := deploy.State(t.State)
	return state != deploy.Skipped && (state != deploy.Cancelled || t.Attempt > 0)
}

// FailedOn returns a deployment that can be tried again, with the targets that
// failed. It fails with ErrNotFound, ErrNotFinished or ErrNothing.
func (d *Desk) FailedOn(ctx context.Context, id string) (Finished, error) {
	of, err := d.Get(ctx, id)
	if err != nil {
		return Finished{}, err
	}
	f, err := d.finished(ctx, of, Page{State: deploy.Failed}, func(t contract.TargetStatus) bool {
		return deploy.State(t.State) == deploy.Failed
	})
	if err == nil && len(f.About) == 0 {
		err = fmt.Errorf("%w: the deployment failed on no server", ErrNothing)
	}
	return f, err
}

// finished reads the targets of a deployment that has ended, from the page on,
// and keeps those that are wanted.
func (d *Desk) finished(ctx context.Context, of contract.Deployment, p Page, wanted func(contract.TargetStatus) bool) (Finished, error) {
	f := Finished{Deployment: of}
	if !deploy.State(of.State).Terminal() {
		return f, ErrNotFinished
	}
	for p.Limit = pageSize; ; {
		page, err := d.targets(ctx, of.ID, of.Seq, p)
		if err != nil {
			return f, err
		}
		for _, t := range page.Targets {
			if wanted(t) {
				f.About = append(f.About, t)
			}
		}
		if page.Next <= p.First {
			break
		}
		p.First = page.Next
	}
	var err error
	f.Keep, f.Work, err = d.told(ctx, of.ID)
	return f, err
}

// told returns what the deployment was told to leave on a server, and to have done
// there.
func (d *Desk) told(ctx context.Context, id string) (keep int, work *contract.Work, err error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	m, err := d.command(ctx, id)
	if errors.Is(err, bus.ErrNone) {
		return keepAll, nil, nil
	}
	r := rollout(m)
	return r.Application.Keep, r.Work, err
}
