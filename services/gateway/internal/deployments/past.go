package deployments

import (
	"context"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Running returns a page of what runs where, at least as new as when it was asked for.
func (d *Desk) Running(ctx context.Context, l contract.ListRunning) (contract.Running, error) {
	var err error
	if l.MinSeq, err = d.newest(ctx); err != nil {
		return contract.Running{}, err
	}
	return ask[contract.Running](ctx, d, contract.QueryRunning, contract.Envelope{}, l, d.limits.Query)
}

// Statistics returns what deployments came to, those included that had ended when it
// was asked for.
func (d *Desk) Statistics(ctx context.Context, g contract.GetStatistics) (contract.Statistics, error) {
	var err error
	if g.MinSeq, err = d.newest(ctx); err != nil {
		return contract.Statistics{}, err
	}
	return ask[contract.Statistics](ctx, d, contract.QueryStatistics, contract.Envelope{}, g, d.limits.Query)
}

// History returns how far history is, and at most so much of what it has set aside.
func (d *Desk) History(ctx context.Context, limit int) (contract.History, error) {
	return ask[contract.History](ctx, d, contract.QueryHistory, contract.Envelope{}, contract.GetHistory{Limit: limit}, d.limits.Query)
}
