package deployments

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// Sweep removes pieces of snapshots that no command refers to: a gateway died
// before it could publish one, longer ago than age. Pieces whose deployment has
// a command, or events, are the scheduler's to remove.
func (d *Desk) Sweep(ctx context.Context, age time.Duration) error {
	keys, err := d.snapshots.Keys(ctx, ">")
	if err != nil {
		return err
	}
	dead := map[string]bool{} // by snapshot
	for _, key := range keys {
		snapshot, _, _ := strings.Cut(key, ".")
		if _, known := dead[snapshot]; !known {
			if dead[snapshot], err = d.abandoned(ctx, snapshot, age); err != nil {
				return err
			}
		}
		if dead[snapshot] {
			if err := d.snapshots.Delete(ctx, key, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// abandoned says whether nothing will ever refer to the snapshot.
func (d *Desk) abandoned(ctx context.Context, snapshot string, age time.Duration) (bool, error) {
	deployment, attempt, ok := strings.Cut(snapshot, "-")
	made, err := xid.FromString(attempt)
	foreign := !ok || err != nil
	if foreign || time.Since(made.Time()) <= age {
		return false, nil // it may be on its way
	}
	m, err := d.command(ctx, deployment)
	switch {
	case err == nil:
		return rollout(m).Snapshot.ID != snapshot, nil
	case !errors.Is(err, bus.ErrNone):
		return false, err
	}
	happened, err := d.happened(ctx, deployment)
	return !happened && err == nil, err
}

// happened says whether there are events of the deployment.
func (d *Desk) happened(ctx context.Context, deployment string) (bool, error) {
	_, err := d.bus.Last(ctx, contract.StreamEvents, contract.DeploymentEvents(deployment))
	if errors.Is(err, bus.ErrNone) {
		return false, nil
	}
	return err == nil, err
}

// Exists says whether the streams know of a deployment: by its command, or by events.
func (d *Desk) Exists(ctx context.Context, id string) (bool, error) {
	_, found, err := d.Accepted(ctx, id)
	if err != nil || found {
		return found, err
	}
	return d.happened(ctx, id)
}
