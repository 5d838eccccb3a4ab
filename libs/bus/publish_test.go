package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

var subject = contract.JobEventSubject("d1", "h1")

func TestAppendChainsEventsOneAfterAnother(t *testing.T) {
	_, b := start(t)
	ctx, began := t.Context(), time.Now()
	_, err := b.Last(ctx, contract.StreamEvents, subject)
	require.ErrorIs(t, err, bus.ErrNone)

	first, err := b.Append(ctx, contract.StreamEvents, subject, 0, "m1", []byte("one"))
	require.NoError(t, err)
	elsewhere, err := b.Append(ctx, contract.StreamEvents, contract.JobEventSubject("d1", "h2"), 0, "m2", []byte("two"))
	require.NoError(t, err)
	require.Greater(t, elsewhere, first, "sequences rise over all subjects")

	for _, wrong := range []uint64{0, first + 1, elsewhere} {
		_, err = b.Append(ctx, contract.StreamEvents, subject, wrong, "m3", nil)
		require.ErrorIs(t, err, bus.ErrConflict)
	}
	second, err := b.Append(ctx, contract.StreamEvents, subject, first, "m3", []byte("three"))
	require.NoError(t, err)

	last, err := b.Last(ctx, contract.StreamEvents, subject)
	require.NoError(t, err)
	require.Equal(t, bus.Stored{Seq: second, ID: "m3", Subject: subject, Data: []byte("three"), At: last.At}, last)
	require.WithinRange(t, last.At, began, time.Now())
	last, err = b.Last(ctx, contract.StreamEvents, contract.DeploymentEvents("d1"))
	require.NoError(t, err)
	require.Equal(t, second, last.Seq, "over all subjects of the deployment")

	next, err := b.Next(ctx, contract.StreamEvents, contract.JobEventsOf("d1"), first)
	require.NoError(t, err)
	require.Equal(t, bus.Stored{Seq: elsewhere, ID: "m2", Subject: contract.JobEventSubject("d1", "h2"), Data: []byte("two"), At: next.At}, next)
	_, err = b.Next(ctx, contract.StreamEvents, subject, second)
	require.ErrorIs(t, err, bus.ErrNone)
}

func TestOfManyThatAppendExactlyOneIsFirst(t *testing.T) {
	_, b := start(t)
	var (
		writers sync.WaitGroup
		errs    [16]error
	)
	for i := range errs {
		writers.Go(func() {
			_, errs[i] = b.Append(t.Context(), contract.StreamEvents, subject, 0, fmt.Sprint("m", i), nil)
		})
	}
	writers.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			require.ErrorIs(t, err, bus.ErrConflict)
		}
	}
	require.Equal(t, 1, won)
}

// shortMemory makes the server forget after a moment which message ids of EV it
// has seen. It returns a function that waits until it has forgotten all so far.
func shortMemory(t *testing.T, b *bus.Bus) (forget func()) {
	t.Helper()
	cfg := b.Events().CachedInfo().Config
	cfg.Duplicates = 100 * time.Millisecond
	_, err := b.JetStream().UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	probe := contract.SystemEventSubject("probe")
	return func() {
		first, err := b.Publish(t.Context(), probe, "probe", nil)
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			again, err := b.Publish(t.Context(), probe, "probe", nil)
			return err == nil && again != first
		}, patience, 20*time.Millisecond)
	}
}

func TestAppendRecognisesItsOwnEarlierTry(t *testing.T) {
	memories := map[string]func(*testing.T, *bus.Bus) (forget func()){
		"while the server knows the id":    func(*testing.T, *bus.Bus) func() { return func() {} },
		"when the server has forgotten it": shortMemory,
	}
	for name, memory := range memories {
		t.Run(name, func(t *testing.T) {
			_, b := start(t)
			forget := memory(t, b)
			try := func(id string, last uint64) (uint64, error) {
				return b.Append(t.Context(), contract.StreamEvents, subject, last, id, []byte("one"))
			}
			before, err := try("m0", 0)
			require.NoError(t, err)
			mine, err := try("m1", before)
			require.NoError(t, err)
			forget()
			got, err := try("m1", before)
			require.NoError(t, err)
			require.Equal(t, mine, got)
			_, err = try("m2", before)
			require.ErrorIs(t, err, bus.ErrConflict, "another's message")
		})
	}
}

func TestAHostHasAtMostOneJobStored(t *testing.T) {
	broker, b := start(t)
	ctx := t.Context()
	require.NoError(t, b.Offer(ctx, "", "h1", []byte("one")))
	require.ErrorIs(t, b.Offer(ctx, "", "h1", []byte("two")), bus.ErrOccupied)
	require.ErrorIs(t, b.Offer(ctx, "", "h1", []byte("one")), bus.ErrOccupied, "the very same too")
	require.ErrorIs(t, b.Offer(ctx, "dmz", "h1", []byte("two")), bus.ErrOccupied, "in another zone too")
	require.NoError(t, b.Offer(ctx, "dmz", "h2", []byte("one")), "another host")
	require.ErrorIs(t, b.Offer(ctx, "", "h2", []byte("two")), bus.ErrOccupied)

	broker.Restart()
	require.ErrorIs(t, b.Offer(ctx, "", "h1", []byte("two")), bus.ErrOccupied)
	require.ErrorIs(t, b.Offer(ctx, "dmz", "h1", []byte("two")), bus.ErrOccupied)
	stored, err := b.Last(ctx, contract.StreamJobs, contract.AnyJobSubject("h1"))
	require.NoError(t, err)
	require.Equal(t, "one", string(stored.Data))

	done := make(chan error, 2)
	stop := untilEnd(t, func(ctx context.Context) {
		b.Work(ctx, consumer(t, b, contract.StreamJobs, contract.JobsAll, patience), 1, func(d *bus.Delivery) {
			done <- d.Done(t.Context())
		})
	})
	require.NoError(t, receive(t, done, "a job is done"))
	require.NoError(t, receive(t, done, "a job is done"))
	stop()
	require.NoError(t, b.Offer(ctx, "", "h1", []byte("one")), "the same job again, when the first is done")
	require.NoError(t, b.Offer(ctx, "lab", "h2", []byte("one")), "what is done counts in no zone")
}

func TestOfJobsOfferedAtOnceInManyZonesOneIsStored(t *testing.T) {
	_, b := start(t)
	for round := range 20 {
		var (
			offers sync.WaitGroup
			stored atomic.Int64
		)
		for n := range 16 {
			offers.Go(func() {
				err := b.Offer(t.Context(), fmt.Sprint("zone-", n%8), fmt.Sprint("h", round), nil)
				if err == nil {
					stored.Add(1)
				} else if !errors.Is(err, bus.ErrOccupied) {
					t.Errorf("offer: %v", err)
				}
			})
		}
		offers.Wait()
		require.EqualValues(t, 1, stored.Load())
	}
	jobs, err := b.JetStream().Stream(t.Context(), contract.StreamJobs)
	require.NoError(t, err)
	require.EqualValues(t, 20, jobs.CachedInfo().State.Msgs)
}

func TestAMessageIsRemovedOnce(t *testing.T) {
	_, b := start(t)
	offer(t, b, 3)
	middle, err := b.Last(t.Context(), contract.StreamJobs, contract.AnyJobSubject("h1"))
	require.NoError(t, err)
	last, err := b.Last(t.Context(), contract.StreamJobs, contract.AnyJobSubject("h2"))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, b.Remove(t.Context(), contract.StreamJobs, middle.Seq))
		require.NoError(t, b.Remove(t.Context(), contract.StreamJobs, last.Seq))
	}
	require.NoError(t, b.Remove(t.Context(), contract.StreamJobs, last.Seq+10), "one that never was")
	jobs, err := b.JetStream().Stream(t.Context(), contract.StreamJobs)
	require.NoError(t, err)
	require.EqualValues(t, 1, jobs.CachedInfo().State.Msgs, "the others stay")
	require.NoError(t, b.Offer(t.Context(), "dmz", "h1", nil), "its place is free")
}

func TestPublishGivesUpOnlyWithItsContext(t *testing.T) {
	broker, b := start(t)
	broker.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := b.Publish(ctx, subject, "m1", nil)
	require.ErrorIs(t, err, bus.ErrUnavailable)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = b.Publish(gone, subject, "m1", nil)
	require.ErrorIs(t, err, bus.ErrUnavailable, "it may be stored, and nobody waits for it")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAMessageThatCanNeverBeStoredIsNotRepeated(t *testing.T) {
	_, b := start(t)
	_, err := b.Publish(t.Context(), subject, "m1", make([]byte, 2<<20))
	require.ErrorIs(t, err, nats.ErrMaxPayload)
	require.NotErrorIs(t, err, bus.ErrUnavailable)
}

// The broker goes away while many publish, and comes back: every message is
// stored once, and under the sequence that its publisher was told.
func TestPublishGoesOnOverARestartWithoutLossOrDouble(t *testing.T) {
	t.Parallel()
	broker, b := start(t)
	const writers = 8
	var (
		stored  sync.Map // id → sequence
		count   atomic.Int64
		stop    atomic.Bool
		running sync.WaitGroup
		errs    = make(chan error, writers)
		body    = bytes.Repeat([]byte("x"), 100_000) // larger than what the client buffers
	)
	for w := range writers {
		running.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := fmt.Sprintf("m%d.%d", w, i)
				seq, err := b.Publish(t.Context(), contract.SystemEventSubject(fmt.Sprint("d", w)), id, body)
				if err != nil {
					errs <- fmt.Errorf("%s: %w", id, err)
					return
				}
				stored.Store(id, seq)
				count.Add(1)
			}
		})
	}
	more := func(n int64) {
		from := count.Load()
		require.Eventually(t, func() bool { return count.Load() >= from+n || len(errs) > 0 }, patience, tick)
	}
	more(100)
	broker.Stop()
	broker.Restart()
	more(100)
	stop.Store(true)
	running.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}

	info, err := b.Events().Info(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, count.Load(), info.State.Msgs, "nothing is stored twice")
	stored.Range(func(id, seq any) bool {
		msg, err := b.Events().GetMsg(t.Context(), seq.(uint64))
		require.NoError(t, err)
		require.Equal(t, id, msg.Header.Get(jetstream.MsgIDHeader))
		return true
	})
}
