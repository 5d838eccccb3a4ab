// Package inspect answers what hosts hold: which release each runs, which others lie
// there, and what the end of a log file says. It reads and changes nothing, so it needs
// no fence.
package inspect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
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

// Serve answers inspections of hosts in these zones until stop is called, which
// waits for those under way. Replicas share them.
func Serve(ctx context.Context, nc *nats.Conn, set Settings, dialer *hosts.Dialer, log zerolog.Logger) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	i := &inspector{ctx: ctx, nc: nc, set: set, dialer: dialer, log: log}
	service, err := micro.AddService(nc, micro.Config{
		Name: "slipway-executor", Version: "1.0.0", Description: "works on hosts over SSH",
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("register executor: %w", err)
	}
	for _, zone := range set.Zones {
		err = errors.Join(
			service.AddEndpoint("releases-"+zone, i.handler(i.releases), micro.WithEndpointSubject(contract.ReleasesSubject(zone))),
			service.AddEndpoint("logs-"+zone, i.handler(i.logs), micro.WithEndpointSubject(contract.LogsSubject(zone))),
		)
		if err != nil {
			_ = service.Stop() // of no use without all of them
			cancel()
			return nil, fmt.Errorf("register executor: %w", err)
		}
	}
	return func() {
		_ = service.Stop() // fails only if the connection is gone already
		i.all.Close()
		cancel()
		i.all.Wait()
	}, nil
}

type inspector struct {
	ctx    context.Context //nolint:containedctx // the handlers of micro are given none
	nc     *nats.Conn
	set    Settings
	dialer *hosts.Dialer
	log    zerolog.Logger
	all    bus.Answering
}

// handler answers each question in a goroutine of its own: hosts take their time.
func (i *inspector) handler(answer func(raw []byte) contract.Body) micro.Handler {
	return micro.HandlerFunc(func(req micro.Request) {
		i.all.Go(func() {
			answer, err := contract.Encode(contract.Envelope{}, answer(req.Data()))
			if err == nil {
				err = bus.Answer(i.nc, req, answer)
			}
			if err != nil {
				i.log.Warn().Err(err).Msg("inspection not answered")
			}
		})
	})
}

func (i *inspector) releases(raw []byte) contract.Body {
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
		reading.Go(func() { answer.Hosts[n] = i.read(ask.Path, t) })
	}
	reading.Wait()
	return answer
}

// read reads one host.
func (i *inspector) read(path string, t contract.Target) contract.HostReleases {
	ctx, cancel := context.WithTimeout(i.ctx, hostTimeout)
	defer cancel()
	held := contract.HostReleases{Host: t.Host}
	out, err := i.ask(ctx, t, func() (string, error) { return hostcmd.Inspect(path) })
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

func (i *inspector) ask(ctx context.Context, t contract.Target, build func() (string, error)) (hostcmd.Output, error) {
	line, err := build()
	if err != nil {
		return hostcmd.Output{}, err
	}
	host, err := i.dialer.Dial(ctx, t)
	if err != nil {
		return hostcmd.Output{}, err
	}
	defer func() { _ = host.Close() }()
	return host.Run(ctx, line, nil)
}
