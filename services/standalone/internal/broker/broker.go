// Package broker is the embedded NATS server: JetStream on disk in one directory, reached by the services of this process
// without a socket and, if configured, by other processes over TCP.
package broker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/services/standalone/internal/datadir"
)

// Broker is one embedded server. It runs once.
type Broker struct {
	cfg     Config
	running atomic.Pointer[server.Server]
}

// New checks cfg. It touches neither disk nor network.
func New(cfg Config) (*Broker, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Broker{cfg: cfg}, nil
}

// Run serves until ctx is done and then returns nil, with all clients disconnected and all files written. It calls ready
// once, when streams are recovered and clients can connect.
//
// Errors say what to do about them; errors.Is finds ErrDamaged, ErrAddressInUse, ErrWrite, datadir.ErrInUse and
// datadir.ErrNotWritable.
func (b *Broker) Run(ctx context.Context, ready func()) error {
	claim, err := datadir.Take(b.cfg.Dir)
	if err != nil {
		return err
	}
	defer claim.Release() //nolint:errcheck // the claim ends with the process at the latest
	if err := b.probeListen(ctx); err != nil {
		return err
	}

	log := newServerLog(b.cfg.Log, b.cfg.Dir)
	before := listBlocks(b.cfg.Dir)
	srv, err := b.startServer(log)
	if srv != nil {
		defer func() { srv.Shutdown(); srv.WaitForShutdown() }()
	}
	if err != nil {
		return err
	}
	if err := checkStreams(srv, b.cfg.Dir, log.takeWarnings()); err != nil {
		return err
	}
	warnOfCuts(before, listBlocks(b.cfg.Dir), log)

	b.running.Store(srv)
	defer b.running.Store(nil)
	ready()

	select {
	case <-ctx.Done():
		return nil
	case err := <-log.fatal:
		return err
	}
}

// InProcessConn makes one connection of a client of this process: Broker is a nats.InProcessConnProvider. It fails with
// ErrNotRunning while the broker is not running.
func (b *Broker) InProcessConn() (net.Conn, error) {
	srv := b.running.Load()
	if srv == nil {
		return nil, ErrNotRunning
	}
	return srv.InProcessConn()
}

// ClientOptions are what a client of this process connects with: the broker, and the credentials if there are any.
func (b *Broker) ClientOptions() []nats.Option {
	opts := []nats.Option{nats.InProcessServer(b)}
	if b.cfg.User != "" {
		opts = append(opts, nats.UserInfo(b.cfg.User, b.cfg.Password))
	}
	return opts
}

// probeListen finds out whether listening will work: the server itself reports a taken port as text, once its streams
// are recovered.
func (b *Broker) probeListen(ctx context.Context) error {
	if b.cfg.Listen == "" {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", b.cfg.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %w: stop what listens there or choose another port", b.cfg.Listen, ErrAddressInUse)
	}
	if err != nil {
		return fmt.Errorf("listen on %s: %w", b.cfg.Listen, err)
	}
	return l.Close()
}

// startServer returns when the server is ready or has failed. It may return both a server, to be shut down, and an error.
func (b *Broker) startServer(log *serverLog) (*server.Server, error) {
	srv, err := server.NewServer(b.cfg.serverOptions())
	if err != nil {
		return nil, err
	}
	srv.SetLoggerV2(log, false, false, false)
	srv.Start() // blocks while streams are recovered, however long that takes; failures come by the log
	select {
	case err := <-log.fatal:
		return srv, err
	default:
	}
	if !srv.ReadyForConnections(time.Second) { // all is done by now
		return srv, errors.New("the server has not started and does not say why")
	}
	return srv, nil
}
