package deployments

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

const inspectionsAtOnce = 25

// Inspect reads from servers what they hold under a path, a row for each in the
// same order. A server that could not be read has a failure in its row. It fails
// with ErrNoAnswer where no executor is there.
func (d *Desk) Inspect(ctx context.Context, path string, servers []inventory.Server) ([]contract.HostReleases, error) {
	rows := make([]contract.HostReleases, len(servers))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(inspectionsAtOnce)
	at := 0
	for group := range slices.Chunk(servers, contract.InspectLimit) {
		into := rows[at : at+len(group)]
		at += len(group)
		all.Go(func() error { return d.inspect(ctx, path, group, into) })
	}
	return rows, all.Wait()
}

func (d *Desk) inspect(ctx context.Context, path string, group []inventory.Server, into []contract.HostReleases) error {
	question := contract.Inspect{Path: path}
	for _, s := range group {
		question.Targets = append(question.Targets, s.Target())
	}
	answer, err := ask[contract.Releases](ctx, d, contract.QueryReleases, contract.Envelope{}, question, d.limits.Inspect)
	if nobodyThere(err) || err != nil && !d.bus.Connected() {
		return err
	}
	found := map[string]contract.HostReleases{}
	for _, row := range answer.Hosts {
		found[row.Host] = row
	}
	for i, s := range group {
		row, ok := found[s.ID]
		if !ok {
			row = contract.HostReleases{Host: s.ID, Failure: missing(err)}
		}
		into[i] = row
	}
	return nil
}

// missing is why there is no row for a server.
func missing(err error) *contract.Failure {
	var no refused
	switch {
	case errors.As(err, &no):
		return &contract.Failure{Code: contract.FailInternal, Reason: "the executor refuses: " + no.Message}
	case err != nil:
		return &contract.Failure{Code: contract.FailDeadline, Reason: "no executor answered in time"}
	default:
		return &contract.Failure{Code: contract.FailInternal, Reason: "the executor's answer does not mention this server"}
	}
}
