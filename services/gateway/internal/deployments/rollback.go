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
	Keep     int                     // releases that stay on each server
	Remove   []string                // versions that do not
	Work     *contract.Work          // nil: none, or not known any more
	Programs *contract.Programs      // of an init; nil where that is not known any more
	About    []contract.TargetStatus // in the order of its plan
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
	return d.begunOn(ctx, of)
}

// BegunOn returns a deployment that can be done once more, with the targets that it
// was begun on. It fails with ErrNotFound, ErrNotFinished or ErrNothing.
func (d *Desk) BegunOn(ctx context.Context, id string) (Finished, error) {
	of, err := d.Get(ctx, id)
	if err != nil {
		return Finished{}, err
	}
	return d.begunOn(ctx, of)
}

func (d *Desk) begunOn(ctx context.Context, of contract.Deployment) (Finished, error) {
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
	return f, d.told(ctx, &f)
}

// told adds what the deployment was told to leave on a server, and to have done there.
func (d *Desk) told(ctx context.Context, f *Finished) error {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	m, err := d.command(ctx, f.ID)
	if errors.Is(err, bus.ErrNone) {
		f.Keep = keepAll
		return nil
	}
	r := rollout(m)
	f.Keep, f.Remove, f.Work = r.Application.Keep, r.Application.Remove, r.Work
	if c, ok := m.Body.(contract.InitCommand); ok {
		f.Programs = &c.Programs
	}
	return err
}
