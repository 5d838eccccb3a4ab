package deployments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// known is what the streams know of a deployment.
type known struct {
	seq     uint64            // of its last event; 0: there is none
	command *contract.Message // where there is no event yet
}

// locate finds out what an answer about a deployment must have seen. Neither an
// event nor a command does not mean that there is no deployment: they age out.
func (d *Desk) locate(ctx context.Context, id string) (known, error) {
	if !contract.ValidToken(id) {
		return known{}, ErrNotFound
	}
	seq, err := d.lastEvent(ctx, id)
	if err != nil || seq > 0 {
		return known{seq: seq}, err
	}
	brief, cancel := context.WithTimeout(ctx, d.limits.Broker)
	m, err := d.command(brief, id)
	cancel()
	switch {
	case errors.Is(err, bus.ErrNone):
		return known{}, nil
	case err != nil:
		return known{}, err
	}
	seq, err = d.awaitEvent(ctx, id)
	return known{seq: seq, command: &m}, err
}

// lastEvent returns the sequence of the deployment's last event, or 0.
func (d *Desk) lastEvent(ctx context.Context, id string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	last, err := d.bus.Last(ctx, contract.StreamEvents, contract.DeploymentEvents(id))
	if errors.Is(err, bus.ErrNone) {
		return 0, nil
	}
	return last.Seq, err
}

// awaitEvent is lastEvent once there is one, or 0 after a while.
func (d *Desk) awaitEvent(ctx context.Context, id string) (uint64, error) {
	enough := time.After(d.limits.Begin)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		seq, err := d.lastEvent(ctx, id)
		if err != nil || seq > 0 {
			return seq, err
		}
		select {
		case <-enough:
			return 0, nil
		case <-ctx.Done():
			return 0, errors.Join(bus.ErrUnavailable, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// Get returns a deployment, at least as new as when it was asked for, or
// ErrNotFound.
func (d *Desk) Get(ctx context.Context, id string) (contract.Deployment, error) {
	k, err := d.locate(ctx, id)
	if err != nil {
		return contract.Deployment{}, err
	}
	if k.seq == 0 && k.command != nil {
		return status(*k.command), nil
	}
	found, err := ask[contract.Deployment](ctx, d, contract.QueryDeployment,
		contract.Envelope{Deployment: id}, contract.GetDeployment{MinSeq: k.seq}, d.limits.Query)
	return found, k.doubt(err)
}

// doubt is err, unless history denies what the streams know: it lags behind then,
// or lost its store, and asking again is what helps.
func (k known) doubt(err error) error {
	if k.seq > 0 && errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%w: history does not know a deployment with event %d", ErrNoAnswer, k.seq)
	}
	return err
}

// List returns a page of deployments, newest first, as far as history has come.
func (d *Desk) List(ctx context.Context, l contract.ListDeployments) (contract.Deployments, error) {
	return ask[contract.Deployments](ctx, d, contract.QueryDeployments, contract.Envelope{}, l, d.limits.Query)
}

// Page is a part of the targets of a deployment.
type Page struct {
	First, Limit int
	State        deploy.State // "": any
}

// Targets returns a page of a deployment's targets, with the guarantees of Get.
func (d *Desk) Targets(ctx context.Context, id string, p Page) (contract.Targets, error) {
	k, err := d.locate(ctx, id)
	if err != nil {
		return contract.Targets{}, err
	}
	if k.seq == 0 && k.command != nil {
		return d.planned(ctx, *k.command, p)
	}
	found, err := d.targets(ctx, id, k.seq, p)
	return found, k.doubt(err)
}

func (d *Desk) targets(ctx context.Context, id string, seq uint64, p Page) (contract.Targets, error) {
	return ask[contract.Targets](ctx, d, contract.QueryTargets, contract.Envelope{Deployment: id},
		contract.ListTargets{MinSeq: seq, First: p.First, Limit: p.Limit, State: string(p.State)}, d.limits.Query)
}

// planned returns targets as the command and its snapshot state them: all of
// them are pending.
func (d *Desk) planned(ctx context.Context, m contract.Message, p Page) (contract.Targets, error) {
	page := contract.Targets{Targets: []contract.TargetStatus{}}
	if p.State != "" && p.State != deploy.Pending {
		return page, nil
	}
	r := rollout(m)
	waves := Waves(r.Policy, r.Snapshot.Targets)
	end := min(p.First+p.Limit, r.Snapshot.Targets)
	for at := p.First; at < end; {
		first := at / deploy.PieceSize * deploy.PieceSize
		piece, _, err := d.snapshots.Get(ctx, pieceKey(r.Snapshot.ID, at/deploy.PieceSize))
		if err != nil { // gone: the deployment has begun and ended meanwhile; asking again gives that
			return page, fmt.Errorf("%w: snapshot %s: %w", ErrNoAnswer, r.Snapshot.ID, err)
		}
		for ; at < min(end, first+len(piece.Targets)); at++ {
			wave, _ := waves.Of(at)
			t := piece.Targets[at-first]
			page.Targets = append(page.Targets, contract.TargetStatus{
				Target: at, Host: t.Host, Name: t.Name, Wave: wave, State: string(deploy.Pending), Steps: []contract.StepStatus{},
			})
		}
		if len(piece.Targets) < deploy.PieceSize {
			break
		}
	}
	if end < r.Snapshot.Targets {
		page.Next = end
	}
	return page, nil
}

func rollout(m contract.Message) contract.Rollout {
	switch c := m.Body.(type) {
	case contract.DeployCommand:
		return c.Rollout
	case contract.RollbackCommand:
		return c.Rollout
	default:
		return contract.Rollout{}
	}
}
