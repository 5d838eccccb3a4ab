// Package executor carries out jobs on hosts over SSH: it alone touches them.
// Any number of replicas share the work; one that dies is replaced within the
// ack wait, and what it may still be doing on a host is ended there.
package executor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/xid"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/fetch"
	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
	"github.com/slipway-deploy/slipway/services/executor/internal/inspect"
	"github.com/slipway-deploy/slipway/services/executor/internal/jobs"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
	"github.com/slipway-deploy/slipway/services/executor/internal/telemetry"
)

// Service is one executor.
type Service struct {
	cfg  Config
	keys seal.Keys
	log  zerolog.Logger
	nats []nats.Option
	seen *telemetry.Telemetry
	dial func(*nats.Conn, *hosts.Pool) jobs.Dial // how jobs reach their hosts
	met  met
}

// New returns an executor with this configuration. It does not connect. Further
// options for NATS win over the configuration.
func New(cfg Config, log zerolog.Logger, extra ...nats.Option) (*Service, error) {
	keys, err := seal.ParseKeys(string(cfg.Seal.PrivateKey))
	if err != nil {
		return nil, fmt.Errorf("private key for sealed credentials: %w", err)
	}
	if cfg.Name == "" {
		cfg.Name, _ = os.Hostname()
	}
	cfg.Name = cmp.Or(cfg.Name, "executor") + "-" + xid.New().String()[12:]
	cfg.Cache.Dir = cmp.Or(cfg.Cache.Dir, filepath.Join(os.TempDir(), fmt.Sprintf("slipway-executor-%d", os.Getuid())))
	s := &Service{cfg: cfg, keys: keys, log: log.With().Str("executor", cfg.Name).Logger(), nats: extra, seen: telemetry.New(nil)}
	s.dial = s.overSSH
	return s, nil
}

// Observing is where this executor is seen from outside.
func (s *Service) Observing() observe.Config { return s.cfg.Observe }

// Observe has it tell of itself there. It is called before Run.
func (s *Service) Observe(p *observe.Process) { s.seen = telemetry.New(p.Scope("executor")) }

// Run works until ctx ends, and then for as long as the jobs that it has take,
// within the bound of the configuration. It calls ready once it takes jobs.
func (s *Service) Run(ctx context.Context, ready func()) (err error) {
	nc, err := bus.Connect(s.cfg.NATS, "slipway-executor", s.log, s.nats...)
	if err != nil {
		return err
	}
	defer nc.Close()
	bus.Observe(s.seen.Scope, nc)
	b, err := bus.Open(ctx, nc, s.cfg.NATS, s.log)
	if err != nil {
		return err
	}
	packages, err := b.JetStream().ObjectStore(ctx, contract.ObjectsPackages)
	if err != nil {
		return fmt.Errorf("open package store: %w", err)
	}
	fetcher, err := s.fetcher(bundles.Objects{Bus: b, Store: packages})
	if err != nil {
		return err
	}
	cache, err := s.openCache(fetcher)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cache.Close()) }()
	pool := hosts.NewPool(hosts.PoolSettings{IdleTime: s.cfg.SSH.IdleTime, IdleMax: s.cfg.SSH.IdleMax, Share: s.cfg.SSH.JumpShare})
	defer pool.Close()
	s.seen.OnRead(func(context.Context) {
		inUse, idle := pool.Open()
		s.seen.Connections.WithLabelValues("in_use").Set(float64(inUse))
		s.seen.Connections.WithLabelValues("idle").Set(float64(idle))
	})
	replica, err := s.serve(ctx, nc, pool, fetcher)
	if err != nil {
		return err
	}
	defer replica.Stop()
	return jobs.New(b, s.log, s.dial(nc, pool), cache, s.settings()).Run(ctx, func() {
		replica.Ready()
		ready()
	})
}

// serve answers what executors are asked beside jobs.
func (s *Service) serve(ctx context.Context, nc *nats.Conn, pool *hosts.Pool, fetcher *fetch.Fetcher) (*bus.Replica, error) {
	about := bus.About{
		Name: "slipway-executor", Description: "works on hosts over SSH",
		Notes:    s.met.notes,
		Metadata: map[string]string{"name": s.cfg.Name, "zones": strings.Join(s.cfg.Zones, ","), "slots": strconv.Itoa(s.cfg.Slots)},
	}
	// Inspections have a dialer of their own: neither they nor jobs wait for the handshakes of the others.
	inspecting := inspect.Endpoints(inspect.Settings{Zones: s.cfg.Zones, Logs: s.cfg.Logs.Allow}, hosts.New(nc, pool, s.dialer()), s.log)
	return bus.Serve(ctx, nc, about, slices.Concat(inspecting, fetcher.Endpoints(s.cfg.Zones, s.log))...)
}

// overSSH has jobs reach their hosts as they are meant to.
func (s *Service) overSSH(nc *nats.Conn, pool *hosts.Pool) jobs.Dial {
	dialer := hosts.New(nc, pool, s.dialer())
	return func(ctx context.Context, t contract.Target) (jobs.Host, error) {
		host, err := dialer.Dial(ctx, t)
		if err != nil {
			return nil, err // and no Host that holds none
		}
		return host, nil
	}
}

func (s *Service) dialer() hosts.Settings {
	c := s.cfg.SSH
	return hosts.Settings{
		Keys: s.keys, Agent: c.Agent, RecordWait: c.RecordWait,
		Starts: c.Starts, StartsPerHost: c.StartsPerHost, StartsPerNetwork: c.StartsPerNetwork,
		Opened: s.connected,
		SSH:    ssh.Options{ConnectTimeout: c.ConnectTimeout, KeepAlive: c.KeepAlive, MaxMissed: c.MaxMissed},
	}
}

// connected counts a connection that was opened, or could not be.
func (s *Service) connected(took time.Duration, err error) {
	switch {
	case err == nil:
		s.seen.Connects.WithLabelValues("connected").Inc()
		s.seen.ConnectTime.Observe(took.Seconds())
	case errors.Is(err, context.Canceled):
		s.seen.Connects.WithLabelValues("given_up").Inc()
	default:
		s.seen.Connects.WithLabelValues(failure.Explain(err).Code).Inc()
	}
}

func (s *Service) openCache(source bundles.Source) (*bundles.Cache, error) {
	limits := archive.DefaultLimits()
	limits.MaxUnpacked, limits.MaxEntries = int64(s.cfg.Cache.MaxUnpacked), s.cfg.Cache.MaxEntries
	return bundles.Open(s.cfg.Cache.Dir, int64(s.cfg.Cache.Size), limits, source)
}

func (s *Service) settings() jobs.Settings {
	j := s.cfg.Job
	return jobs.Settings{
		Keys: s.keys, Name: s.cfg.Name, Zones: s.cfg.Zones, Slots: s.cfg.Slots, Drain: s.cfg.Drain, AckWait: j.AckWait,
		StepTimeout: j.StepTimeout, HostTimeout: j.HostTimeout, LockWait: j.LockWait, Tries: j.Tries, MaxAttempts: j.MaxAttempts,
		Programs: s.cfg.Supervisor.Directory, Met: s.met.runtime, Seen: s.seen,
	}
}
