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
	return reading[contract.HostReleases]{
		limit: contract.InspectLimit,
		host:  func(r contract.HostReleases) string { return r.Host },
		failed: func(host string, why *contract.Failure) contract.HostReleases {
			return contract.HostReleases{Host: host, Failure: why}
		},
		ask: func(ctx context.Context, zone string, targets []contract.Target) ([]contract.HostReleases, error) {
			question := contract.Inspect{Path: path, Targets: targets}
			answer, err := ask[contract.Releases](ctx, d, contract.ReleasesSubject(zone), contract.Envelope{}, question, d.limits.Inspect)
			return answer.Hosts, err
		},
	}.of(ctx, d, servers)
}

// Tail reads from servers the end of a log file, as Inspect reads what they hold.
func (d *Desk) Tail(ctx context.Context, path, file string, lines int, servers []inventory.Server) ([]contract.HostLog, error) {
	return reading[contract.HostLog]{
		limit: contract.TailHosts,
		host:  func(l contract.HostLog) string { return l.Host },
		failed: func(host string, why *contract.Failure) contract.HostLog {
			return contract.HostLog{Host: host, Failure: why}
		},
		ask: func(ctx context.Context, zone string, targets []contract.Target) ([]contract.HostLog, error) {
			question := contract.TailLogs{Path: path, File: file, Lines: lines, Targets: targets}
			answer, err := ask[contract.Logs](ctx, d, contract.LogsSubject(zone), contract.Envelope{}, question, d.limits.Inspect)
			return answer.Hosts, err
		},
	}.of(ctx, d, servers)
}

// reading is how executors are asked what servers hold, a row for each.
type reading[R any] struct {
	limit  int // servers in one question
	host   func(R) string
	failed func(host string, why *contract.Failure) R
	ask    func(ctx context.Context, zone string, targets []contract.Target) ([]R, error)
}

// of returns the rows of servers, in their order.
func (r reading[R]) of(ctx context.Context, d *Desk, servers []inventory.Server) ([]R, error) {
	rows := make([]R, len(servers))
	var served, nobody atomic.Bool
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(inspectionsAtOnce)
	for zone, in := range byZone(servers) {
		in = slices.DeleteFunc(in, func(i int) bool {
			why := servers[i].Broken()
			if why != "" {
				rows[i] = r.failed(servers[i].ID, &contract.Failure{Code: contract.FailUnreachable, Reason: "the server " + why})
			}
			return why != ""
		})
		for _, group := range groups(in, servers, r.limit) {
			all.Go(func() error {
				targets := make([]contract.Target, len(group))
				for n, i := range group {
					targets[n] = servers[i].Target()
				}
				answer, err := r.ask(ctx, zone, targets)
				switch {
				case nobodyThere(err):
					nobody.Store(true)
				case err != nil && !d.bus.Connected():
					return err
				default:
					served.Store(true)
				}
				for _, i := range group {
					at := slices.IndexFunc(answer, func(row R) bool { return r.host(row) == servers[i].ID })
					if at < 0 {
						rows[i] = r.failed(servers[i].ID, missing(zone, err))
						continue
					}
					rows[i] = answer[at]
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

// groups returns groups of these servers that one question each can name, of as
// many as this at most.
func groups(in []int, servers []inventory.Server, limit int) [][]int {
	var all [][]int
	size := maxQuestion
	for _, i := range in {
		target, _ := json.Marshal(servers[i].Target()) // strings and numbers: that cannot fail
		if size += len(target) + 1; size > maxQuestion || len(all[len(all)-1]) == limit {
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
