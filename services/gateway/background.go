package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/auditlog"
	"github.com/slipway-deploy/slipway/services/gateway/internal/courier"
	"github.com/slipway-deploy/slipway/services/gateway/internal/deployments"
	"github.com/slipway-deploy/slipway/services/gateway/internal/idempotency"
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/live"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/registry"
	"github.com/slipway-deploy/slipway/services/gateway/internal/tokens"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	openPause  = 500 * time.Millisecond
	sweepEvery = 15 * time.Minute
	sweepAge   = time.Hour // far longer than any request pauses between two writes
	sweepLimit = time.Minute
	warmEvery  = 2 * time.Minute // so that the first request after a quiet hour need not read all of the inventory

	hostKeysAtOnce = 16
	keptEvents     = 2000 // a wave of a thousand hosts that begins
	watchLinger    = time.Minute
	idleTopics     = 32              // deployments that nobody watches just now, of which events are kept for who comes back
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
	if a.Door.Tokens, err = tokens.Open(ctx, b, s.log); err != nil {
		return err
	}
	if a.Servers, err = inventory.Open(ctx, b, s.log); err != nil {
		return err
	}
	if a.Projects, err = projects.Open(ctx, b, s.log); err != nil {
		return err
	}
	if a.Packages, err = packages.Open(ctx, b, a.Limits.Package, s.log); err != nil {
		return err
	}
	if a.Idempotency, err = idempotency.Open(ctx, b); err != nil {
		return err
	}
	if a.Numbers, err = numbers.Open(ctx, b); err != nil {
		return err
	}
	if err = s.openWebhooks(ctx, b, a); err != nil {
		return err
	}
	limits := deployments.Limits{Broker: a.Limits.Broker, Query: a.Limits.Query, Inspect: a.Limits.Inspect, Resolve: a.Limits.Resolve, Begin: toBegin}
	if a.Deployments, err = deployments.Open(ctx, b, limits, s.log); err != nil {
		return err
	}
	a.Live = live.Open(ctx, b, live.Settings{Watches: s.cfg.Limits.Watches, Caller: s.cfg.Limits.CallerWatches, Keep: keptEvents, Linger: watchLinger, Idle: idleTopics}, s.log)
	if a.Registry, err = registry.Open(ctx, b, s.cfg.Timeouts.Count, s.log); err != nil {
		return err
	}
	a.Audit, err = auditlog.Open(ctx, b, s.log) // last: it writes from now on
	return err
}

// background is what the gateway does beside serving HTTP: it answers executors
// about host keys, carries webhooks, and sweeps what died in between.
type background struct {
	replica *bus.Replica
	live    *live.Hub
	cancel  context.CancelFunc
	all     sync.WaitGroup
}

// startBackground begins it. It goes on after ctx ends, until stop is called.
func (s *Service) startBackground(ctx context.Context, b *bus.Bus, a *api.API) (*background, error) {
	carrier, err := s.openCourier(ctx, b, a)
	if err != nil {
		return nil, err
	}
	s.observe(a, carrier)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	bg := &background{cancel: cancel, live: a.Live}
	turns := make(chan struct{}, hostKeysAtOnce)
	bg.replica, err = bus.Serve(ctx, b.Conn(), bus.About{Name: "slipway-gateway", Description: "serves the API, and keeps the inventory"},
		bus.Endpoint{Name: "hostkey", Subject: contract.RecordHostKeys, Answer: func(ctx context.Context, q bus.Request) {
			select {
			case turns <- struct{}{}:
				a.RecordHostKey(ctx, q)
				<-turns
			case <-ctx.Done():
			}
		}})
	if err != nil {
		cancel()
		return nil, err
	}
	if carrier != nil {
		bg.all.Go(func() { carrier.Run(ctx) })
	}
	quorum := b.WatchQuorum()
	a.Broker = quorum.Err
	bg.all.Go(func() { quorum.Run(ctx, s.cfg.Timeouts.Broker) })
	bg.all.Go(func() { s.sweep(ctx, a) })
	bg.all.Go(func() { keepWarm(ctx, a) })
	bg.all.Go(func() { a.Registry.Run(ctx, bg.replica.ID()) })
	bg.all.Go(func() { a.Door.Tokens.KeepUses(ctx) })
	if s.users != nil {
		bg.all.Go(func() { s.users.Keep(ctx) })
	}
	return bg, nil
}

// observe has the gauges set of what is counted elsewhere. carrier is nil where there are
// no webhooks.
func (s *Service) observe(a *api.API, carrier *courier.Courier) {
	s.seen.OnRead(func(context.Context) {
		s.seen.Readers.Set(float64(a.Live.Watches()))
		states, failing := a.Webhooks.Store.Tally()
		states[webhooks.Active] -= failing
		for state, n := range states {
			s.seen.Webhooks.WithLabelValues(string(state)).Set(float64(n))
		}
		s.seen.Webhooks.WithLabelValues("failing").Set(float64(failing))
		if carrier == nil {
			return
		}
		waiting, carries := carrier.Waiting()
		s.seen.Waiting.Set(float64(waiting))
		s.seen.Carries.Set(0)
		if carries {
			s.seen.Carries.Set(1)
		}
	})
}

func (bg *background) stop() {
	bg.replica.Stop()
	bg.live.Close() // else those who watch would stay to the end of the patience with them
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
		_ = errors.Join(a.Door.Tokens.Refresh(brief), a.Servers.Refresh(brief), a.Projects.Refresh(brief), a.Packages.Refresh(brief), a.Webhooks.Store.Refresh(brief))
		cancel()
	}
}

// sweep removes what gateways left behind that died between two writes. It
// decides nothing: what it removes, nobody can see.
func (s *Service) sweep(ctx context.Context, a *api.API) {
	for {
		brief, cancel := context.WithTimeout(ctx, sweepLimit)
		err := errors.Join(
			a.Door.Tokens.Sweep(brief),
			a.Servers.Sweep(brief, sweepAge),
			a.Packages.Sweep(brief, sweepAge),
			a.Deployments.Sweep(brief, sweepAge),
			a.Webhooks.Store.Sweep(brief, sweepAge, a.Deployments.Exists),
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
