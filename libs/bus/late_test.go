package bus_test

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// late is a broker whose answers are held back for as long as held is locked.
type late struct {
	broker *bustest.Server
	held   sync.RWMutex
}

type lateConn struct {
	net.Conn
	held *sync.RWMutex
}

func (l *late) InProcessConn() (net.Conn, error) {
	conn, err := l.broker.InProcessConn()
	return lateConn{conn, &l.held}, err
}

func (c lateConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.held.RLock()
	defer c.held.RUnlock()
	return n, err
}

// TestWhatABusyBrokerSendsLateIsTaken holds the answer back for longer than nats.go would
// wait for it. The ack wait is far longer: nothing is delivered a second time.
func TestWhatABusyBrokerSendsLateIsTaken(t *testing.T) {
	t.Parallel()
	broker, near := start(t)
	offer(t, near, 1)
	slow := &late{broker: broker}
	nc := broker.Connect(t, nats.InProcessServer(slow))
	b, err := bus.Open(t.Context(), nc, bus.Config{Replicas: 1, Retention: time.Hour}, zerolog.Nop())
	require.NoError(t, err)
	c := consumer(t, b, contract.StreamJobs, contract.JobsAll, 10*patience)

	slow.held.Lock()
	time.AfterFunc(shortWait, slow.held.Unlock)
	taken := make(chan error, 1)
	untilEnd(t, func(ctx context.Context) {
		b.Batches(ctx, c, 10, func(batch []*bus.Delivery) { taken <- batch[0].Done(t.Context()) })
	})
	require.NoError(t, receive(t, taken, "the job is taken"))
}

// scanned is how many events scanDisturbed stores: one batch, and more than a connection has in hand at once.
const scanned = 300

// scanDisturbed scans a stream through this way to its broker and calls disturb at the first message.
func scanDisturbed(t *testing.T, way func(*bustest.Server) nats.InProcessConnProvider, disturb func(*nats.Conn)) (got []uint64, err error) {
	t.Helper()
	broker, near := start(t)
	for i := range scanned {
		_, err := near.Publish(t.Context(), contract.SystemEventSubject("d"), fmt.Sprint(i), make([]byte, 4<<10))
		require.NoError(t, err)
	}
	b := open(t, way(broker))
	err = b.Scan(t.Context(), contract.StreamEvents, []string{contract.EventsAll}, func(s bus.Stored) error {
		if got = append(got, s.Seq); len(got) == 1 {
			disturb(b.Conn())
		}
		return nil
	})
	return got, err
}

// TestAScanHearsABusyBrokerOut holds back what comes in the middle of a batch.
func TestAScanHearsABusyBrokerOut(t *testing.T) {
	t.Parallel()
	var slow *late
	got, err := scanDisturbed(t, func(s *bustest.Server) nats.InProcessConnProvider {
		slow = &late{broker: s}
		return slow
	}, func(*nats.Conn) {
		slow.held.Lock()
		time.AfterFunc(shortWait, slow.held.Unlock)
	})
	require.NoError(t, err)
	require.Len(t, got, scanned)
	require.IsIncreasing(t, got)
}

// TestAScanLosesNothingUnseenWithItsConnection breaks the connection in the middle of a batch.
func TestAScanLosesNothingUnseenWithItsConnection(t *testing.T) {
	t.Parallel()
	got, err := scanDisturbed(t, func(s *bustest.Server) nats.InProcessConnProvider { return s },
		func(nc *nats.Conn) { require.NoError(t, nc.ForceReconnect()) })
	if err != nil {
		require.ErrorIs(t, err, bus.ErrUnavailable)
		return
	}
	require.Len(t, got, scanned)
}
