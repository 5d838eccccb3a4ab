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

// TestAScanHearsABusyBrokerOut holds back what comes in the middle of a batch.
func TestAScanHearsABusyBrokerOut(t *testing.T) {
	t.Parallel()
	broker, near := start(t)
	const stored = 300
	for i := range stored {
		_, err := near.Publish(t.Context(), contract.SystemEventSubject("d"), fmt.Sprint(i), make([]byte, 4<<10))
		require.NoError(t, err)
	}
	slow := &late{broker: broker}
	nc := broker.Connect(t, nats.InProcessServer(slow))
	b, err := bus.Open(t.Context(), nc, bus.Config{Replicas: 1, Retention: time.Hour}, zerolog.Nop())
	require.NoError(t, err)
	var got []uint64
	require.NoError(t, b.Scan(t.Context(), contract.StreamEvents, []string{contract.EventsAll}, func(s bus.Stored) error {
		if got = append(got, s.Seq); len(got) == 1 {
			slow.held.Lock()
			time.AfterFunc(shortWait, slow.held.Unlock)
		}
		return nil
	}))
	require.Len(t, got, stored)
	require.IsIncreasing(t, got)
}

// TestAScanLosesNothingUnseenWithItsConnection breaks the connection in the middle of a batch.
func TestAScanLosesNothingUnseenWithItsConnection(t *testing.T) {
	t.Parallel()
	broker, near := start(t)
	const stored = 300
	for i := range stored {
		_, err := near.Publish(t.Context(), contract.SystemEventSubject("d"), fmt.Sprint(i), make([]byte, 4<<10))
		require.NoError(t, err)
	}
	nc := broker.Connect(t)
	b, err := bus.Open(t.Context(), nc, bus.Config{Replicas: 1, Retention: time.Hour}, zerolog.Nop())
	require.NoError(t, err)
	var got []uint64
	err = b.Scan(t.Context(), contract.StreamEvents, []string{contract.EventsAll}, func(s bus.Stored) error {
		if got = append(got, s.Seq); len(got) == 1 {
			require.NoError(t, nc.ForceReconnect())
		}
		return nil
	})
	if err != nil {
		require.ErrorIs(t, err, bus.ErrUnavailable)
		return
	}
	require.Len(t, got, stored)
}
