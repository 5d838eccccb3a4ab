package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
)

// counting counts the connections that are asked for.
type counting struct {
	*bustest.Server
	asked atomic.Int64
}

func (c *counting) InProcessConn() (net.Conn, error) {
	c.asked.Add(1)
	return c.Server.InProcessConn()
}

// lines is a log that can be read while it is written.
type lines struct{ lifecycletest.Output }

func (l *lines) count(text string) int { return strings.Count(l.String(), text) }

func TestAConnectionIsTriedForEverAndSaidOnce(t *testing.T) {
	broker := &counting{Server: bustest.Start(t)}
	broker.Stop()
	var log lines
	nc, err := bus.Connect(settings, t.Name(), zerolog.New(&log),
		nats.InProcessServer(broker), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	require.Eventually(t, func() bool { return broker.asked.Load() > 20 && log.count("cannot connect to NATS") > 0 }, patience, tick)
	require.Equal(t, 1, log.count("cannot connect to NATS"))

	broker.Restart()
	require.Eventually(t, nc.IsConnected, patience, tick)
}

// dials counts connections over TCP.
type dials struct{ atomic.Int64 }

func (d *dials) Dial(network, address string) (net.Conn, error) {
	d.Add(1)
	return net.Dial(network, address) //nolint:noctx // the interface gives none
}

func TestABrokerThatRefusesIsAskedAgain(t *testing.T) {
	t.Parallel()
	broker := bustest.StartListening(t, func(o *server.Options) { o.Username, o.Password = "slipway", "right" })
	as := func(password config.Secret, counted *dials) *nats.Conn {
		cfg := bus.Config{URL: broker.URL(), User: "slipway", Password: password}
		nc, err := bus.Connect(cfg, t.Name(), zerolog.Nop(),
			nats.SetCustomDialer(counted), nats.ReconnectWait(time.Millisecond), nats.ReconnectJitter(0, 0))
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
	require.True(t, as("right", new(dials)).IsConnected())
	var asked dials
	refused := as("wrong", &asked)
	// By itself the client gives up at the second refusal.
	require.Eventually(t, func() bool { return asked.Load() > 4 }, patience, tick)
	require.False(t, refused.IsClosed())
	require.False(t, refused.IsConnected())
}

func TestUnavailableIsWhatAnotherTryMayChange(t *testing.T) {
	for _, err := range []error{
		bus.ErrUnavailable, nats.ErrTimeout, nats.ErrNoResponders, nats.ErrDisconnected, jetstream.ErrNoStreamResponse,
		&net.OpError{Op: "write", Err: errors.New("broken pipe")}, net.ErrClosed, context.DeadlineExceeded,
	} {
		require.True(t, bus.Unavailable(err), "%v", err)
		require.True(t, bus.Unavailable(fmt.Errorf("publish: %w", err)), "%v", err)
	}
	for _, err := range []error{
		nil, bus.ErrConflict, bus.ErrNone, bus.ErrOccupied, nats.ErrMaxPayload, nats.ErrConnectionClosed,
		jetstream.ErrStreamNotFound, errors.New("anything else"),
	} {
		require.False(t, bus.Unavailable(err), "%v", err)
	}
}

func TestRepeatTriesUntilTheBrokerAnswers(t *testing.T) {
	refused := errors.New("refused")
	calls := 0
	err := bus.Repeat(t.Context(), func(context.Context) error {
		if calls++; calls < 3 {
			return nats.ErrNoResponders
		}
		return refused
	})
	require.ErrorIs(t, err, refused)
	require.Equal(t, 3, calls)

	ctx, cancel := context.WithCancel(t.Context())
	err = bus.Repeat(ctx, func(context.Context) error {
		cancel()
		return nats.ErrTimeout
	})
	require.ErrorIs(t, err, context.Canceled)
	require.True(t, bus.Unavailable(err))
}
