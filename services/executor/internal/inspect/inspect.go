// Package inspect answers what hosts hold: which release each runs, which others lie
// there, and what the end of a log file says. It reads and changes nothing, so it needs
// no fence.
package inspect

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
)

// hostTimeout bounds what one slow host can cost the answer.
const hostTimeout = 20 * time.Second

// Settings are what inspections are told.
type Settings struct {
	Zones []string
	Logs  []string // patterns (path.Match) of the log files that may be shown
}

// Endpoints answer inspections of hosts in these zones. Replicas share them.
func Endpoints(set Settings, dialer *hosts.Dialer, log zerolog.Logger) []bus.Endpoint {
	i := &inspector{set: set, dialer: dialer, log: log}
	var endpoints []bus.Endpoint
	for _, zone := range set.Zones {
		endpoints = append(endpoints,
			bus.Endpoint{Name: "releases-" + zone, Subject: contract.ReleasesSubject(zone), Answer: i.with(i.releases)},
			bus.Endpoint{Name: "logs-" + zone, Subject: contract.LogsSubject(zone), Answer: i.with(i.logs)},
		)
	}
	return endpoints
}

type inspector struct {
	set    Settings
	dialer *hosts.Dialer
	log    zerolog.Logger
}

func (i *inspector) with(answer func(ctx context.Context, raw []byte) contract.Body) func(context.Context, bus.Request) {
	return func(ctx context.Context, q bus.Request) {
		if err := q.Reply(contract.Envelope{}, answer(ctx, q.Data)); err != nil {
			i.log.Warn().Err(err).Msg("inspection not answered")
		}
	}
}

func (i *inspector) releases(ctx context.Context, raw []byte) contract.Body {
	m, err := contract.Decode(raw)
	if err != nil {
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	}
	ask, ok := m.Body.(contract.Inspect)
	if !ok || len(ask.Targets) > contract.InspectLimit {
		return contract.Refused{Code: contract.RefusedInvalid, Message: "not an inspection, or of too many hosts"}
	}
	answer := contract.Releases{Hosts: make([]contract.HostReleases, len(ask.Targets))}
	var reading sync.WaitGroup
	for n, t := range ask.Targets {
		reading.Go(func() { answer.Hosts[n] = i.read(ctx, ask.Path, t) })
	}
	reading.Wait()
	return answer
}

// read reads one host.
func (i *inspector) read(ctx context.Context, path string, t contract.Target) contract.HostReleases {
	ctx, cancel := context.WithTimeout(ctx, hostTimeout)
	defer cancel()
	held := contract.HostReleases{Host: t.Host}
	out, err := i.ask(ctx, t, func() (hostcmd.Command, error) { return hostcmd.Inspect(path) })
	if err != nil {
		held.Failure = failure.Explain(err)
		return held
	}
	held.Current, _ = out.Get(hostcmd.KeyCurrent)
	held.Previous, _ = out.Get(hostcmd.KeyPrevious)
	state, _ := out.Get(hostcmd.KeyState)
	_, drifted := out.Drifted()
	held.Intact = state == hostcmd.StateComplete && drifted == 0
	for version, digest := range out.Releases() {
		held.Releases = append(held.Releases, contract.Release{Version: version, SHA256: digest})
	}
	slices.SortFunc(held.Releases, func(a, b contract.Release) int { return strings.Compare(a.Version, b.Version) })
	return held
}

func (i *inspector) ask(ctx context.Context, t contract.Target, build func() (hostcmd.Command, error)) (hostcmd.Output, error) {
	command, err := build()
	if err != nil {
		return hostcmd.Output{}, err
	}
	host, err := i.dialer.Dial(ctx, t)
	if err != nil {
		return hostcmd.Output{}, err
	}
	defer func() { _ = host.Close() }() //nolint:contextcheck // it is closed when the time is up, too
	return host.Run(ctx, command, nil)
}
