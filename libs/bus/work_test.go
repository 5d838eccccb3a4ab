package bus_test

import (
	"context"
	"fmt"
	"sync/atomic"
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

// shortWait is an ack wait that tests can wait for, and whose heartbeats a busy
// machine does not miss. Tests that wait for it run beside each other.
const shortWait = 2 * time.Second

// steadyWait is one whose lease lasts for so many heartbeats that a machine has to stand still for seconds to lose it.
const steadyWait = 3 * shortWait

// offer stores a job for each of so many hosts, h0 and on.
func offer(t *testing.T, b *bus.Bus, hosts int) {
	t.Helper()
	for i := range hosts {
		require.NoError(t, b.Offer(t.Context(), contract.DefaultZone, fmt.Sprint("h", i), []byte{byte(i)}))
	}
}

func TestWorkTakesNoMoreThanItsSlots(t *testing.T) {
	_, b := start(t)
	offer(t, b, 10)
	c := consumer(t, b, contract.StreamJobs, contract.JobsAll, patience)
	var atWork, most atomic.Int64
	begun, goOn := make(chan *bus.Delivery, 10), make(chan struct{})
	done := make(chan error, 10)
	untilEnd(t, func(ctx context.Context) {
		b.Work(ctx, c, 3, func(d *bus.Delivery) {
			most.Store(max(most.Load(), atWork.Add(1)))
			begun <- d
			<-goOn
			atWork.Add(-1)
			done <- d.Done(t.Context())
		})
	})
	for range 3 {
		receive(t, begun, "a slot is filled")
	}
	info, err := c.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, info.NumAckPending, "what is not worked on stays with the broker, for others")
	require.Zero(t, info.NumWaiting, "without a free slot nothing is asked for")

	close(goOn)
	for range 10 {
		require.NoError(t, receive(t, done, "every job is done"))
	}
	require.LessOrEqual(t, most.Load(), int64(3))
	jobs, err := b.JetStream().Stream(t.Context(), contract.StreamJobs)
	require.NoError(t, err)
	require.Zero(t, jobs.CachedInfo().State.Msgs, "what is done leaves the queue")
}

// ofZone is the consumer of a zone's jobs.
func ofZone(t *testing.T, b *bus.Bus, zone string) jetstream.Consumer {
	t.Helper()
	c, err := b.Consumer(t.Context(), contract.StreamJobs, bus.ConsumerConfig("worker-"+zone, contract.JobsOfZone(zone), patience))
	require.NoError(t, err)
	return c
}

func TestConsumersShareTheSlotsAndNoneKeepsTheOthersFromTheirNextMessage(t *testing.T) {
	_, b := start(t)
	many, few := ofZone(t, b, "many"), ofZone(t, b, "few")
	for i := range 20 {
		require.NoError(t, b.Offer(t.Context(), "many", fmt.Sprint("m", i), nil))
	}
	var atWork, most atomic.Int64
	begun, goOn := make(chan *bus.Delivery, 30), make(chan struct{})
	untilEnd(t, func(ctx context.Context) {
		b.WorkAll(ctx, []jetstream.Consumer{many, few}, 4, func(d *bus.Delivery) {
			most.Store(max(most.Load(), atWork.Add(1)))
			begun <- d
			<-goOn
			atWork.Add(-1)
			_ = d.Done(t.Context())
		})
	})
	for range 3 {
		require.Contains(t, receive(t, begun, "a slot is filled").Subject(), ".many.")
	}
	require.NoError(t, b.Offer(t.Context(), "few", "f0", nil))
	require.Contains(t, receive(t, begun, "the slot of the other consumer").Subject(), ".few.")
	for _, c := range []jetstream.Consumer{many, few} {
		info, err := c.Info(t.Context())
		require.NoError(t, err)
		require.Zero(t, info.NumWaiting, "without a free slot nothing is asked for")
	}
	close(goOn)
	for range 17 {
		receive(t, begun, "every job is begun")
	}
	require.LessOrEqual(t, most.Load(), int64(4), "over all consumers")
}

func TestWorkEndsWhatItBegan(t *testing.T) {
	_, b := start(t)
	offer(t, b, 1)
	c := consumer(t, b, contract.StreamJobs, contract.JobsAll, patience)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, goOn := make(chan *bus.Delivery, 1), make(chan struct{})
	var handled atomic.Bool
	returned := make(chan bool, 1)
	go func() {
		b.Work(ctx, c, 2, func(d *bus.Delivery) {
			begun <- d
			<-goOn
			handled.Store(true)
		})
		returned <- handled.Load()
	}()
	receive(t, begun, "the job is handed out")
	cancel()
	close(goOn)
	require.True(t, receive(t, returned, "Work returns"), "after its last handle")
}

func TestWorkGoesOnAfterTheBrokerWasAway(t *testing.T) {
	broker, b := start(t)
	workGoesOnAfter(t, b, func() {
		broker.Stop()
		broker.Restart()
	})
}

func TestWorkGoesOnAfterItsConnectionBroke(t *testing.T) {
	_, b := start(t)
	workGoesOnAfter(t, b, func() { require.NoError(t, b.Conn().ForceReconnect()) })
}

// workGoesOnAfter shows that each job is done, one before what happens and two after it.
// A broker that does not know yet that a connection broke may deliver into it: what is
// lost on the way comes again.
func workGoesOnAfter(t *testing.T, b *bus.Bus, happens func()) {
	t.Helper()
	done := make(chan uint64, 10)
	jobs := consumer(t, b, contract.StreamJobs, contract.JobsAll, steadyWait)
	untilEnd(t, func(ctx context.Context) {
		b.Work(ctx, jobs, 2, func(d *bus.Delivery) {
			if d.Done(t.Context()) == nil {
				done <- d.Seq
			}
		})
	})
	offer(t, b, 1)
	different := map[uint64]bool{receive(t, done, "a job before"): true}
	happens()
	offer(t, b, 2)
	for len(different) < 3 {
		different[receive(t, done, "a job after")] = true
	}
}

func TestWorkGoesOnWhenItsConsumerWasDeleted(t *testing.T) {
	broker := bustest.Start(t)
	var log lines
	b, err := bus.Open(t.Context(), connect(t, broker), settings, zerolog.New(&log))
	require.NoError(t, err)
	jobs, done := doJobs(t, b)
	events := consumer(t, b, contract.StreamEvents, contract.EventsAll, patience)
	untilEnd(t, func(ctx context.Context) {
		b.Batches(ctx, events, 2, func(batch []*bus.Delivery) { done <- batch[0].Done(t.Context()) })
	})
	offer(t, b, 1)
	require.NoError(t, receive(t, done, "a job before"))

	require.NoError(t, b.JetStream().DeleteConsumer(t.Context(), contract.StreamJobs, "worker"))
	offer(t, b, 1)
	require.NoError(t, receive(t, done, "a job after"))
	again, err := jobs.Info(t.Context())
	require.NoError(t, err)
	require.Equal(t, patience, again.Config.AckWait)
	require.NotZero(t, log.count("the consumer was gone and is made anew"))

	require.NoError(t, b.JetStream().DeleteConsumer(t.Context(), contract.StreamEvents, "worker"))
	_, err = b.Publish(t.Context(), contract.SystemEventSubject("d1"), "", nil)
	require.NoError(t, err)
	require.NoError(t, receive(t, done, "an event after"))
}

func TestWorkSaysOnceThatItsStreamIsGone(t *testing.T) {
	broker := bustest.Start(t)
	var log lines
	b, err := bus.Open(t.Context(), connect(t, broker), settings, zerolog.New(&log))
	require.NoError(t, err)
	_, done := doJobs(t, b)
	offer(t, b, 1)
	require.NoError(t, receive(t, done, "a job before"))
	require.NoError(t, b.JetStream().DeleteStream(t.Context(), contract.StreamJobs))
	require.Eventually(t, func() bool { return log.count("stream not found") > 0 }, patience, tick)
	var tries atomic.Int64
	_, err = b.Conn().Subscribe("$JS.API.CONSUMER.INFO."+contract.StreamJobs+".worker", func(*nats.Msg) { tries.Add(1) })
	require.NoError(t, err)
	require.Eventually(t, func() bool { return tries.Load() > 5 }, patience, tick)
	require.Equal(t, 1, log.count("stream not found"))

	open(t, broker) // makes the stream
	offer(t, b, 1)
	require.NoError(t, receive(t, done, "a job after"))
}

// deliveries runs a worker that hands every delivery to the test.
func deliveries(t *testing.T, b *bus.Bus, ackWait time.Duration, slots int) (got chan *bus.Delivery, stop func()) {
	t.Helper()
	durable := consumer(t, b, contract.StreamJobs, contract.JobsAll, ackWait)
	got = make(chan *bus.Delivery, 100)
	stop = untilEnd(t, func(ctx context.Context) {
		b.Work(ctx, durable, slots, func(d *bus.Delivery) { got <- d })
	})
	return got, stop
}

func TestEachDeliveryEndsAsItsWorkerSays(t *testing.T) {
	t.Parallel()
	_, b := start(t)
	offer(t, b, 1)
	got, _ := deliveries(t, b, shortWait, 1)

	first := receive(t, got, "the job")
	require.Equal(t, contract.JobSubject("", "h0"), first.Subject())
	require.Equal(t, []byte{0}, first.Data())
	again := receive(t, got, "the job, since nobody acknowledged it")
	require.Equal(t, first.Seq, again.Seq)

	require.NoError(t, again.Again(time.Millisecond))
	handedBack := receive(t, got, "the job that was handed back")
	require.Equal(t, first.Seq, handedBack.Seq)
	require.NoError(t, handedBack.Done(t.Context()))
	require.NoError(t, handedBack.Done(t.Context()), "done is done")

	offer(t, b, 1)
	refused := receive(t, got, "the next job")
	for refused.Seq == first.Seq { // the machine stalled for the ack wait, and it was delivered once more before it was done
		refused = receive(t, got, "the next job")
	}
	require.NoError(t, refused.Reject("cannot be read"))
	requireQueueEmpty(t, b)

	offer(t, b, 1)
	last := receive(t, got, "the last job")
	for last.Seq <= refused.Seq {
		last = receive(t, got, "the last job")
	}
	require.NoError(t, last.Skip())
	requireQueueEmpty(t, b)
}

func requireQueueEmpty(t *testing.T, b *bus.Bus) {
	t.Helper()
	require.Eventually(t, func() bool {
		s, err := b.JetStream().Stream(t.Context(), contract.StreamJobs)
		return err == nil && s.CachedInfo().State.Msgs == 0
	}, patience, tick)
}

func TestBatchesTakeWhatIsThere(t *testing.T) {
	_, b := start(t)
	publish := func(n int) (last uint64) {
		for range n {
			seq, err := b.Publish(t.Context(), contract.SystemEventSubject("d1"), "", nil)
			require.NoError(t, err)
			last = seq
		}
		return last
	}
	publish(10)
	c := consumer(t, b, contract.StreamEvents, contract.EventsAll, patience)
	batches := make(chan []*bus.Delivery, 100)
	untilEnd(t, func(ctx context.Context) {
		b.Batches(ctx, c, 4, func(batch []*bus.Delivery) {
			for _, d := range batch {
				require.NoError(t, d.Done(t.Context()))
			}
			batches <- batch
		})
	})
	var seqs []uint64
	for _, size := range []int{4, 4, 2} {
		batch := receive(t, batches, "a batch")
		require.Len(t, batch, size)
		for _, d := range batch {
			seqs = append(seqs, d.Seq)
		}
	}
	require.IsIncreasing(t, seqs)

	later := publish(1)
	batch := receive(t, batches, "one that comes later, without waiting for more")
	require.Len(t, batch, 1)
	require.Equal(t, later, batch[0].Seq)
}

func TestConsumersTakeAnyNumberOfDeliveries(t *testing.T) {
	_, b := start(t)
	cfg := consumer(t, b, contract.StreamJobs, contract.JobsAll, 6*time.Second).CachedInfo().Config
	require.Equal(t, 6*time.Second, cfg.AckWait)
	require.Equal(t, -1, cfg.MaxDeliver)
	require.Empty(t, cfg.BackOff)
	second := consumer(t, b, contract.StreamJobs, contract.JobsAll, 6*time.Second)
	require.Equal(t, cfg, second.CachedInfo().Config, "another replica joins it")
}
