package gateway

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/identity"
	"github.com/slipway-deploy/slipway/services/gateway/internal/machine"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
	"github.com/slipway-deploy/slipway/services/gateway/internal/profile"
	"github.com/slipway-deploy/slipway/services/gateway/internal/telemetry"
)

// Service is one replica of the gateway.
type Service struct {
	cfg      Config
	log      zerolog.Logger
	nats     []nats.Option
	seal     seal.PublicKey
	profiles profile.Profiles
	users    *identity.Verifier // nil: nobody is known by a JWT
	addr     atomic.Pointer[string]
	seen     *telemetry.Telemetry
	stopping atomic.Bool
}

// New returns a gateway with this configuration. It reads the public key, the
// certificate, the keys of JWTs and the profiles, and does not connect. Further options for NATS win over the configuration.
func New(cfg Config, log zerolog.Logger, extra ...nats.Option) (*Service, error) {
	key, err := cfg.sealKey()
	profiles, unfit := cfg.Deployments.profiles()
	users, unknown := cfg.JWT.verifier(log)
	errs := slices.Concat(cfg.NATS.Validate(), cfg.Validate(), cfg.TLS.Validate(), cfg.CORS.Validate(), cfg.JWT.Validate(), cfg.Webhooks.Validate(), cfg.Observe.Validate(), cfg.Rex.Validate(), cfg.Modes.Validate())
	if err := errors.Join(append(errs, err, unfit, unknown, cfg.TLS.check())...); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, log: log, nats: extra, seal: key, profiles: profiles, users: users, seen: telemetry.New(nil)}, nil
}

// Observing is where this gateway is seen from outside.
func (s *Service) Observing() observe.Config { return s.cfg.Observe }

// Observe has it tell of itself there. It is called before Run.
func (s *Service) Observe(p *observe.Process) { s.seen = telemetry.New(p.Scope("gateway")) }

// Addr is the address and port that the API really listens on, or "" before Run
// has called ready.
func (s *Service) Addr() string {
	if addr := s.addr.Load(); addr != nil {
		return *addr
	}
	return ""
}

// Run serves until ctx ends. It calls ready once requests are answered, and
// returns when every request has ended. An address that cannot be listened on
// (ErrAddress) is found before anything else.
func (s *Service) Run(ctx context.Context, ready func()) (err error) {
	listener, err := listen(ctx, s.cfg.Listen)
	if err != nil {
		return err
	}
	front, err := newFront(ctx, s.cfg, s.log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	nc, err := bus.Connect(s.cfg.NATS, "slipway-gateway", s.log, s.nats...)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer nc.Close()
	bus.Observe(s.seen.Scope, nc)

	a := s.newAPI()
	defer func() {
		if a.Audit != nil { // after the last request
			a.Audit.Close()
		}
	}()
	front.show(a.Starting()) //nolint:contextcheck // requests bring contexts of their own
	front.serve(listener)
	defer func() { err = errors.Join(err, front.stop(context.WithoutCancel(ctx))) }()

	b, err := s.open(ctx, nc, a)
	if err != nil {
		return quiet(ctx, err)
	}
	background, err := s.startBackground(ctx, b, a)
	if err != nil {
		return err
	}
	defer background.stop()
	front.show(a.Handler()) //nolint:contextcheck // requests bring contexts of their own
	addr := listener.Addr().String()
	s.addr.Store(&addr)
	s.log.Info().Str("address", addr).Msg("the API listens")
	background.replica.Ready()
	ready()
	select {
	case <-ctx.Done():
		s.leave(front, background)
		return nil
	case err := <-front.failed:
		return err
	}
}

// leave has balancers and clients go elsewhere before requests are refused.
func (s *Service) leave(front *front, background *background) {
	s.stopping.Store(true)
	background.replica.Stopping()
	front.server.SetKeepAlivesEnabled(false)
	select {
	case <-time.After(s.cfg.Timeouts.Leave):
	case err := <-front.failed:
		front.failed <- err
	}
}

// quiet drops the error that the end of ctx causes.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// newAPI returns the API without what needs the broker.
func (s *Service) newAPI() *api.API {
	allowed, _ := netguard.ParseRanges(s.cfg.Fetch.Allow) // New has checked them
	t := s.cfg.Timeouts
	return &api.API{
		Door: s.newDoor(),
		Edge: api.Edge{
			Origins: s.cfg.CORS.Origins, CORSAge: s.cfg.CORS.MaxAge, HSTS: s.cfg.TLS.HSTS, Proxied: proxied(s.cfg.TrustedProxies),
		},
		Stopping: s.stopping.Load,
		Machine:  machine.NewMeter(),
		Fetcher:  packages.NewFetcher(allowed, s.cfg.Fetch.Timeout),
		Seal:     s.seal, Log: s.log, Seen: s.seen,
		WhenBusy: s.cfg.Deployments.WhenBusy, Profiles: s.profiles, Speech: api.Speech{Rex: s.cfg.Rex, Modes: s.cfg.Modes},
		Limits: api.Limits{
			Package: int64(s.cfg.Limits.MaxPackage), JSON: int64(s.cfg.Limits.MaxJSON),
			Broker: t.Broker, Query: t.Query, Inspect: t.Inspect, Resolve: t.Resolve,
			Read: t.Body, Idle: t.Upload, Write: t.Answer, Beat: t.Beat,
		},
	}
}
