package deployments

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// WayBack turns a deployment that went from one set of servers to another round:
// it returns the strategy by which that is rolled back, and the targets in the
// order of it: balancers first, so that no server changes under traffic. Servers
// that were retired are left alone. It fails with ErrState where nobody knows any
// more how traffic goes back.
func (d *Desk) WayBack(ctx context.Context, f Finished) (contract.Strategy, []contract.TargetStatus, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Broker)
	defer cancel()
	m, err := d.command(ctx, f.ID)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return contract.Strategy{}, nil, err
	}
	went := rollout(m).Policy.Strategy
	if errors.Is(err, bus.ErrNone) || went.BlueGreen == nil {
		return contract.Strategy{}, nil, fmt.Errorf("%w: its command is not kept any more, so nobody knows how traffic goes back; deploy to the other set instead", ErrState)
	}
	back := contract.Strategy{
		Type: string(deploy.BlueGreen), MaxParallel: went.MaxParallel,
		BlueGreen: &contract.BlueGreen{From: went.BlueGreen.To, To: went.BlueGreen.From, Traffic: went.BlueGreen.Traffic},
	}
	var about []contract.TargetStatus
	for wave, set := range slices.Backward(went.Sets) {
		if set.Role == string(deploy.RoleOld) {
			continue
		}
		before := len(about)
		for _, t := range f.About {
			if t.Wave == wave {
				about = append(about, t)
			}
		}
		if n := len(about) - before; n > 0 {
			back.Sets = append(back.Sets, contract.Set{Role: set.Role, Targets: n})
		}
	}
	return back, about, nil
}
