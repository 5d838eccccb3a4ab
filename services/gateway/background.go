package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
)

const (
	openPause  = 500 * time.Millisecond
	sweepEvery = 15 * time.Minute
	sweepAge   = time.Hour // far longer than any request pauses between two writes
	sweepLimit = time.Minute
	warmEvery  = 2 * time.Minute // so that the first request after a quiet hour need not read all of the inventory

	hostKeysAtOnce = 16
	toBegin        = 2 * time.Second // for the scheduler; it takes milliseconds
)

// open opens everything that rests on the broker, waiting for it until ctx ends.
func (s *Service) open(ctx context.Context, nc *nats.Conn, a *api.API) (*bus.Bus, error) {
	b, err := bus.Open(ctx, nc, s.cfg.NATS, s.log)
	if err != nil {
		return nil, err
	}
	for {
		err := s.openStores(ctx, b, a)
		if err == nil {
			return b, nil
		}
		s.log.Warn().Err(err).Msg("the stores cannot be opened yet")
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(openPause):
		}
	}
}

func (s *Service) openStores(ctx context.Context, b *bus.Bus, a *api.API) (err error) {
	if a.Tokens, err = tokens.Open(ctx, b, s.log); err != nil {
		return err
	}
	if a.Servers, err = inventory.Open(ctx, b, s.log); err != nil {
		return err
	}
	if a.Packages, err = packages.Open(ctx, b, a.Limits.Package, s.log); err != nil {
		return err
	}
	if a.Idempotency, err = idempotency.Open(ctx, b); err != nil {
		return err
	}
	limits := deployments.Limits{Broker: a.Limits.Broker, Query: a.Limits.Query, Inspect: a.Limits.Inspect, Resolve: a.Limits.Resolve, Begin: toBegin}
	a.Deployments, err = deployments.Open(ctx, b, limits, s.log)
	return err
}

// background is what the gateway does beside serving HTTP: it answers executors
// about host keys, and sweeps what died in between.
type background struct {
	endpoint micro.Service
	cancel   context.CancelFunc
	all      sync.WaitGroup
}

// startBackground begins it. It goes on after ctx ends, until stop is called.
func (s *Service) startBackground(ctx context.Context, b *bus.Bus, a *api.API) (*background, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	bg := &background{cancel: cancel}
	asked := make(chan micro.Request)
	var err error
	bg.endpoint, err = micro.AddService(b.Conn(), micro.Config{
		Name: "slipway-gateway", Version: "1.0.0", Description: "keeps the keys of hosts met for the first time",
	})
	if err == nil {
		err = bg.endpoint.AddEndpoint("hostkey", micro.HandlerFunc(func(r micro.Request) {
			select {
			case asked <- r:
			case <-ctx.Done():
			}
		}), micro.WithEndpointSubject(contract.RecordHostKeys))
	}
	if err != nil {
		cancel()
		return nil, err
	}
	for range hostKeysAtOnce {
		bg.all.Go(func() {
			for {
				select {
				case r := <-asked:
					a.RecordHostKey(ctx, b.Conn(), r)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	bg.all.Go(func() { s.sweep(ctx, a) })
	bg.all.Go(func() { keepWarm(ctx, a) })
	return bg, nil
}

func (bg *background) stop() {
	_ = bg.endpoint.Stop()
	bg.cancel()
	bg.all.Wait()
}

// keepWarm keeps the copies of the inventory close to what is stored.
func keepWarm(ctx context.Context, a *api.API) {
	tick := time.NewTicker(warmEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		brief, cancel := context.WithTimeout(ctx, a.Limits.Broker)
		// What fails now is done by the next request, which then says so.
		_ = errors.Join(a.Tokens.Refresh(brief), a.Servers.Refresh(brief), a.Packages.Refresh(brief))
		cancel()
	}
}

// sweep removes what gateways left behind that died between two writes. It
// decides nothing: what it removes, nobody can see.
func (s *Service) sweep(ctx context.Context, a *api.API) {
	for {
		brief, cancel := context.WithTimeout(ctx, sweepLimit)
		err := errors.Join(
			a.Servers.Sweep(brief, sweepAge),
			a.Packages.Sweep(brief, sweepAge),
			a.Deployments.Sweep(brief, sweepAge),
		)
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("sweeping did not come to its end; it is tried again")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(sweepEvery):
		}
	}
}
