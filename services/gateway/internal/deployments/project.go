package deployments

import (
	"context"
	"errors"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// Project returns the project of a deployment, which never changes; "" is none. Its
// command says it, or else its events do, or history, for as long as each is kept. Of
// what is archived nobody knows it any more. It fails with ErrNotFound or ErrNoAnswer.
func (d *Desk) Project(ctx context.Context, id string) (string, error) {
	if !contract.ValidToken(id) {
		return "", ErrNotFound
	}
	m, err := d.command(ctx, id)
	if errors.Is(err, bus.ErrNone) {
		var last bus.Stored
		if last, err = d.bus.Last(ctx, contract.StreamEvents, contract.SystemEventSubject(id)); err == nil {
			m, err = contract.Decode(last.Data)
		}
	}
	if !errors.Is(err, bus.ErrNone) {
		return m.Project, err
	}
	found, err := ask[contract.Deployment](ctx, d, contract.QueryDeployment,
		contract.Envelope{Deployment: id}, contract.GetDeployment{}, d.limits.Query)
	if errors.Is(err, ErrArchived) {
		err = ErrNotFound
	}
	return found.Project, err
}
