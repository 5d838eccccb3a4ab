package gateway

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/netguard"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway/internal/api"
	"github.com/slipway-deploy/slipway/services/gateway/internal/packages"
)

// Service is one replica of the gateway.
type Service struct {
	cfg  Config
	log  zerolog.Logger
	nats []nats.Option
	seal seal.PublicKey
	addr atomic.Pointer[string]
}

// New returns a gateway with this configuration. It reads the public key and
// the certificate, and does not connect. Further options for NATS win over the configuration.
func New(cfg Config, log zerolog.Logger, extra ...nats.Option) (*Service, error) {
	key, err := cfg.sealKey()
	errs := append(cfg.NATS.Validate(), cfg.Validate()...)
	if err := errors.Join(append(errs, err, cfg.TLS.check())...); err != nil {
		return nil, err
	}
	return &Service{cfg: cfg, log: log, nats: extra, seal: key}, nil
}

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
	nc, err := bus.Connect(s.cfg.NATS, "slipway-gateway", s.log, s.nats...)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer nc.Close()

	a := s.newAPI(nc)
	front := newFront(ctx, s.cfg, s.log, a.Starting()) //nolint:contextcheck // requests bring contexts of their own
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
	ready()
	select {
	case <-ctx.Done():
		return nil
	case err := <-front.failed:
		return err
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
func (s *Service) newAPI(nc *nats.Conn) *api.API {
	allowed, _ := netguard.ParseRanges(s.cfg.Fetch.Allow) // New has checked them
	t := s.cfg.Timeouts
	return &api.API{
		Fetcher: packages.NewFetcher(allowed, s.cfg.Fetch.Timeout),
		Seal:    s.seal, Log: s.log, Connected: nc.IsConnected,
		WhenBusy: s.cfg.Deployments.WhenBusy,
		Limits: api.Limits{
			Package: int64(s.cfg.Limits.MaxPackage), JSON: int64(s.cfg.Limits.MaxJSON),
			Broker: t.Broker, Query: t.Query, Inspect: t.Inspect, Fetch: s.cfg.Fetch.Timeout, Resolve: t.Resolve,
			Read: t.Body, Idle: t.Upload, Write: t.Answer,
		},
	}
}
