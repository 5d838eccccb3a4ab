package bus_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	// patience bounds what is waited for, on a busy machine.
	patience = 60 * time.Second
	// tick is how often a condition is looked at.
	tick = 5 * time.Millisecond
)

var settings = bus.Config{URL: nats.DefaultURL, Replicas: 1, Retention: time.Hour}

// connect connects as a service does, but comes back sooner.
func connect(t *testing.T, broker nats.InProcessConnProvider) *nats.Conn {
	t.Helper()
	nc, err := bus.Connect(settings, t.Name(), zerolog.Nop(),
		nats.InProcessServer(broker), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// open returns a bus of its own connection.
func open(t *testing.T, broker nats.InProcessConnProvider) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), connect(t, broker), settings, zerolog.Nop())
	require.NoError(t, err)
	return b
}

func start(t *testing.T) (*bustest.Server, *bus.Bus) {
	t.Helper()
	broker := bustest.Start(t)
	return broker, open(t, broker)
}

// consumer joins a durable consumer of the stream with this ack wait.
func consumer(t *testing.T, b *bus.Bus, stream, filter string, ackWait time.Duration) jetstream.Consumer {
	t.Helper()
	c, err := b.Consumer(t.Context(), stream, bus.ConsumerConfig("worker", filter, ackWait))
	require.NoError(t, err)
	return c
}

// doJobs takes each job and finishes it, until the test ends. What comes of that
// is sent to done, which has room for ten.
func doJobs(t *testing.T, b *bus.Bus) (jobs jetstream.Consumer, done chan error) {
	t.Helper()
	jobs = consumer(t, b, contract.StreamJobs, contract.JobsAll, patience)
	done = make(chan error, 10)
	untilEnd(t, func(ctx context.Context) {
		b.Work(ctx, jobs, 2, func(d *bus.Delivery) { done <- d.Done(t.Context()) })
	})
	return jobs, done
}

// receive waits for a value.
func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		require.FailNow(t, "this does not happen", what)
		panic("unreachable")
	}
}

// untilEnd returns a context for what runs beside the test, and a function that
// ends it and waits for it.
func untilEnd(t *testing.T, run func(ctx context.Context)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx)
	}()
	stop = func() {
		cancel()
		receive(t, done, "what runs beside the test returns")
	}
	t.Cleanup(stop)
	return stop
}
