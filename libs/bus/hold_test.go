package bus_test

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
)

// alive fails the test if the context has ended.
func alive(t *testing.T, held context.Context, when string) {
	t.Helper()
	require.NoError(t, context.Cause(held), when)
}

func TestWhatIsHeldStaysWithItsWorker(t *testing.T) {
	t.Parallel()
	_, b := start(t)
	offer(t, b, 2)
	got, _ := deliveries(t, b, steadyWait, 2)
	mine, other := receive(t, got, "a job"), receive(t, got, "a job")
	held, release := mine.Hold(t.Context(), steadyWait)
	defer release()

	// The other job is not held: it comes again each time that the ack wait is
	// over, and so tells the time. The broker looks at what is due every now and
	// then, so the one that is held would come along.
	for range 3 {
		again := receive(t, got, "the job that is not held, again")
		require.Equal(t, other.Seq, again.Seq)
	}
	alive(t, held, "three ack waits later")
	release()
	require.ErrorIs(t, context.Cause(held), context.Canceled)
	comes := func() bool { return receive(t, got, "the job that was released").Seq == mine.Seq }
	for !comes() { // the other one still comes too
	}
}

func TestTheLeaseIsLostBeforeAnotherIsGivenTheWork(t *testing.T) {
	t.Parallel()
	broker, b := start(t)
	nc := connect(t, broker)
	owner, err := bus.Open(t.Context(), nc, settings, zerolog.Nop())
	require.NoError(t, err)
	offer(t, b, 1)
	gotByOwner, _ := deliveries(t, owner, shortWait, 1)
	held, release := receive(t, gotByOwner, "the job").Hold(t.Context(), shortWait)
	defer release()

	nc.Close() // the owner is cut off
	gotByOther, _ := deliveries(t, b, shortWait, 1)
	receive(t, gotByOther, "the job, for another")
	require.ErrorIs(t, context.Cause(held), bus.ErrLeaseLost, "by then the owner must have stopped")
}

func TestTheLeaseIsLostWhenTheBrokerStaysAway(t *testing.T) {
	t.Parallel()
	broker, b := start(t)
	offer(t, b, 3)
	got, _ := deliveries(t, b, shortWait, 3)
	jobs := []*bus.Delivery{receive(t, got, "a job"), receive(t, got, "a job"), receive(t, got, "a job")}
	one, releaseOne := jobs[0].Hold(t.Context(), shortWait)
	defer releaseOne()
	all, releaseAll := bus.HoldAll(t.Context(), jobs[1:], shortWait)
	defer releaseAll()
	broker.Stop()
	receive(t, one.Done(), "the lease is lost")
	receive(t, all.Done(), "the leases are lost")
	require.ErrorIs(t, context.Cause(one), bus.ErrLeaseLost)
	require.ErrorIs(t, context.Cause(all), bus.ErrLeaseLost)
}

func TestTheLeaseRunsFromTheDeliveryAndNotFromTheHold(t *testing.T) {
	t.Parallel()
	_, b := start(t)
	offer(t, b, 1)
	got, _ := deliveries(t, b, shortWait, 1)
	slow := receive(t, got, "the job")
	receive(t, got, "the job, for another")
	held, release := slow.Hold(t.Context(), shortWait)
	defer release()
	receive(t, held.Done(), "a lease that ended before it was held is lost")
	require.ErrorIs(t, context.Cause(held), bus.ErrLeaseLost)
}

func TestHoldEndsWithTheContextOfItsWorker(t *testing.T) {
	t.Parallel()
	_, b := start(t)
	offer(t, b, 1)
	got, _ := deliveries(t, b, patience, 1)
	ctx, cancel := context.WithCancel(t.Context())
	held, release := receive(t, got, "the job").Hold(ctx, patience)
	alive(t, held, "at first")
	cancel()
	receive(t, held.Done(), "it ends")
	require.ErrorIs(t, context.Cause(held), context.Canceled)
	release()
}

// losing leads to a broker and loses the first heartbeat that is sent, as a
// change of the leader does.
type losing struct {
	*bustest.Server
	sent      atomic.Int64 // heartbeats
	heartbeat chan struct{}
}

func (l *losing) InProcessConn() (net.Conn, error) {
	c, err := l.Server.InProcessConn()
	return losingConn{c, l}, err
}

type losingConn struct {
	net.Conn
	*losing
}

func (c losingConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("+WPI")) {
		c.heartbeat <- struct{}{}
		if c.sent.Add(1) == 1 {
			return len(p), nil
		}
	}
	return c.Conn.Write(p)
}

func TestOneLostHeartbeatDoesNotLoseTheLease(t *testing.T) {
	t.Parallel()
	broker := &losing{Server: bustest.Start(t), heartbeat: make(chan struct{}, 100)}
	nc := connect(t, broker)
	b, err := bus.Open(t.Context(), nc, settings, zerolog.Nop())
	require.NoError(t, err)
	offer(t, b, 1)
	got, stop := deliveries(t, b, steadyWait, 1)
	d := receive(t, got, "the job")
	stop() // nothing else is on the wire from here on
	held, release := d.Hold(t.Context(), steadyWait)
	defer release()
	for range 5 {
		receive(t, broker.heartbeat, "a heartbeat")
	}
	alive(t, held, "later than a lease without heartbeats lasts")
	require.Equal(t, nats.CONNECTED, nc.Status())
}
