// Package inspect answers what hosts hold: which release each runs, and which
// others lie there. It reads and changes nothing, so it needs no fence.
package inspect

import (
	"context"
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

// Serve answers inspections of hosts in these zones until stop is called, which
// waits for those under way. Replicas share them.
func Serve(ctx context.Context, nc *nats.Conn, zones []string, dialer *hosts.Dialer, log zerolog.Logger) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	i := &inspector{ctx: ctx, nc: nc, dialer: dialer, log: log}
	service, err := micro.AddService(nc, micro.Config{
		Name: "slipway-executor", Version: "1.0.0", Description: "works on hosts over SSH",
	})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("register executor: %w", err)
	}
	for _, zone := range zones {
		err = service.AddEndpoint("releases-"+zone, micro.HandlerFunc(i.handle), micro.WithEndpointSubject(contract.ReleasesSubject(zone)))
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
	dialer *hosts.Dialer
	log    zerolog.Logger
	all    bus.Answering
}

func (i *inspector) handle(req micro.Request) {
	i.all.Go(func() {
		answer, err := contract.Encode(contract.Envelope{}, i.answer(req.Data()))
		if err == nil {
			err = bus.Answer(i.nc, req, answer)
		}
		if err != nil {
			i.log.Warn().Err(err).Msg("inspection not answered")
		}
	})
}

func (i *inspector) answer(raw []byte) contract.Body {
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
	out, err := i.ask(ctx, path, t)
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

func (i *inspector) ask(ctx context.Context, path string, t contract.Target) (hostcmd.Output, error) {
	line, err := hostcmd.Inspect(path)
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
