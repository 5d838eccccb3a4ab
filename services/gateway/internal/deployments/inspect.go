package deployments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
)

const inspectionsAtOnce = 25

// Inspect reads from servers what they hold under a path, a row for each in the
// same order. A server that could not be read has a failure in its row. It fails
// with ErrNoAnswer where no executor is there for any of them.
func (d *Desk) Inspect(ctx context.Context, path string, servers []inventory.Server) ([]contract.HostReleases, error) {
	rows := make([]contract.HostReleases, len(servers))
	var served, nobody atomic.Bool
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(inspectionsAtOnce)
	for zone, in := range byZone(servers) {
		in = slices.DeleteFunc(in, func(i int) bool {
			why := servers[i].Broken()
			if why != "" {
				rows[i] = contract.HostReleases{Host: servers[i].ID, Failure: &contract.Failure{Code: contract.FailUnreachable, Reason: "the server " + why}}
			}
			return why != ""
		})
		for _, group := range groups(in, servers) {
			all.Go(func() error {
				found, err := d.inspect(ctx, path, zone, servers, group)
				switch {
				case nobodyThere(err):
					nobody.Store(true)
				case err != nil && !d.bus.Connected():
					return err
				default:
					served.Store(true)
				}
				for _, i := range group {
					row, ok := found[servers[i].ID]
					if !ok {
						row = contract.HostReleases{Host: servers[i].ID, Failure: missing(zone, err)}
					}
					rows[i] = row
				}
				return nil
			})
		}
	}
	err := all.Wait()
	if err == nil && nobody.Load() && !served.Load() {
		err = fmt.Errorf("%w: there is no executor", ErrNoAnswer)
	}
	return rows, err
}

// maxQuestion is what one question to an executor may have, in bytes: the broker
// takes a message of 1 MB.
const maxQuestion = 900_000

// groups returns groups of these servers that one question each can name.
func groups(in []int, servers []inventory.Server) [][]int {
	var all [][]int
	size := maxQuestion
	for _, i := range in {
		target, _ := json.Marshal(servers[i].Target()) // strings and numbers: that cannot fail
		if size += len(target) + 1; size > maxQuestion || len(all[len(all)-1]) == contract.InspectLimit {
			all, size = append(all, nil), len(target)
		}
		last := len(all) - 1
		all[last] = append(all[last], i)
	}
	return all
}

// byZone returns where in the list the servers of each zone stand, in order.
func byZone(servers []inventory.Server) map[string][]int {
	zones := map[string][]int{}
	for i, s := range servers {
		zones[s.Zone()] = append(zones[s.Zone()], i)
	}
	return zones
}

// inspect asks an executor of the zone about a group of the servers and returns
// the rows by server.
func (d *Desk) inspect(ctx context.Context, path, zone string, servers []inventory.Server, group []int) (map[string]contract.HostReleases, error) {
	question := contract.Inspect{Path: path}
	for _, i := range group {
		question.Targets = append(question.Targets, servers[i].Target())
	}
	answer, err := ask[contract.Releases](ctx, d, contract.ReleasesSubject(zone), contract.Envelope{}, question, d.limits.Inspect)
	found := map[string]contract.HostReleases{}
	for _, row := range answer.Hosts {
		found[row.Host] = row
	}
	return found, err
}

// missing is why there is no row for a server of the zone.
func missing(zone string, err error) *contract.Failure {
	var no refused
	switch {
	case nobodyThere(err):
		return &contract.Failure{Code: contract.FailNoExecutor, Reason: "no executor serves the zone " + zone}
	case errors.As(err, &no):
		return &contract.Failure{Code: contract.FailInternal, Reason: "the executor refuses: " + no.Message}
	case err != nil:
		return &contract.Failure{Code: contract.FailDeadline, Reason: "no executor answered in time"}
	default:
		return &contract.Failure{Code: contract.FailInternal, Reason: "the executor's answer does not mention this server"}
	}
}
