// Package bustest gives tests a real NATS server with JetStream on disk, in
// the process of the test. Nothing of it is faked, so what holds here holds
// with a broker of its own; it has one replica and syncs as a broker does by
// default.
//
// Start serves in-process connections alone and takes no port; StartListening
// is for what must be given a URL, such as a process of its own. Stop and
// Restart take the broker away and bring it back with what it had stored:
// connections made with Connect or OpenBus, or with nats.InProcessServer(server),
// come back by themselves.
package bustest

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

// startDeadline bounds a start, which takes some 30 ms, on a busy machine.
const startDeadline = time.Minute

var errStopped = errors.New("bustest: the server is stopped")

// Server is a NATS server that belongs to one test. It may be stopped and
// restarted, also while others connect.
type Server struct {
	t    testing.TB
	opts server.Options // what each start begins with

	mu      sync.Mutex
	running *server.Server // nil while stopped
}

// Start runs a server without a port. Its store is a temporary directory. It
// is shut down, and waited for, when the test ends. configure may change the
// options before the server starts for the first time.
func Start(t testing.TB, configure ...func(*server.Options)) *Server {
	t.Helper()
	return start(t, server.Options{DontListen: true}, configure)
}

// StoreIn has a server keep its store in this directory, for a test that does
// something to it while the server is stopped.
func StoreIn(dir string) func(*server.Options) {
	return func(o *server.Options) { o.StoreDir = dir }
}

// StartListening is Start with a free port on the loopback interface, which a
// restart keeps.
func StartListening(t testing.TB, configure ...func(*server.Options)) *Server {
	t.Helper()
	return start(t, server.Options{Host: "127.0.0.1", Port: proctest.ReservePort(t)}, configure)
}

func start(t testing.TB, opts server.Options, configure []func(*server.Options)) *Server {
	t.Helper()
	opts.ServerName = "bustest"
	opts.JetStream = true
	opts.StoreDir = t.TempDir()
	opts.NoSigs = true // a signal is for the test, not for the server in it
	opts.NoLog = true
	for _, change := range configure {
		change(&opts)
	}
	s := &Server{t: t, opts: opts}
	t.Cleanup(s.Stop)
	s.Restart()
	return s
}

// Restart stops the server if it runs, and starts it on the same store and, if
// it listens, the same port. It returns when the server accepts connections,
// and fails the test when it does not start.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	opts := s.opts
	running, err := server.NewServer(&opts)
	require.NoError(s.t, err, "configure the NATS server")
	running.Start()
	if !running.ReadyForConnections(startDeadline) {
		running.Shutdown()
		running.WaitForShutdown()
		require.FailNow(s.t, "the NATS server does not start",
			"store %s, port %d: is the port taken, is the disk full?", s.opts.StoreDir, s.opts.Port)
	}
	s.running = running
}

// Stop shuts the server down and waits until its files are closed. Stopping a
// stopped server does nothing.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return
	}
	s.running.Shutdown()
	s.running.WaitForShutdown()
	s.running = nil
}

// InProcessConn makes the Server a nats.InProcessConnProvider. Unlike the
// server's own method it leads to the server that runs now, so that a
// connection survives a restart.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil, errStopped
	}
	return s.running.InProcessConn()
}

// Connect connects to the running server, in process also when it listens. The
// connection is closed when t ends. It reconnects for ever, 20 ms after each
// failure; opts come after that and may say otherwise.
func (s *Server) Connect(t testing.TB, opts ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(nats.DefaultURL, slices.Concat(s.soon(), []nats.Option{nats.MaxReconnects(-1)}, opts)...)
	require.NoError(t, err, "connect to the NATS server")
	t.Cleanup(conn.Close)
	return conn
}

// OpenBus returns a bus of the default configuration, on a connection of its own
// that is made as services make theirs, but comes back sooner. The connection is
// closed when t ends.
func (s *Server) OpenBus(t testing.TB) *bus.Bus {
	t.Helper()
	var cfg bus.Config
	config.Defaults(&cfg)
	conn, err := bus.Connect(cfg, t.Name(), zerolog.Nop(), s.soon()...)
	require.NoError(t, err, "connect to the NATS server")
	t.Cleanup(conn.Close)
	b, err := bus.Open(t.Context(), conn, cfg, zerolog.Nop())
	require.NoError(t, err, "open the bus")
	return b
}

// soon has a connection come back 20 ms after each failure.
func (s *Server) soon() []nats.Option {
	return []nats.Option{nats.InProcessServer(s), nats.ReconnectWait(20 * time.Millisecond), nats.ReconnectJitter(0, 0)}
}

// URL is where a server from StartListening is reached, also while it is
// stopped. It fails the test for a server without a port.
func (s *Server) URL() string {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.False(s.t, s.opts.DontListen, "the server listens nowhere: use bustest.StartListening")
	return fmt.Sprintf("nats://%s", net.JoinHostPort(s.opts.Host, fmt.Sprint(s.opts.Port)))
}
