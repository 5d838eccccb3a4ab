package fold

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestWaitReturnsOnceTheEventIsFolded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPosition()
		require.NoError(t, p.Wait(t.Context(), 0))
		seen := make(chan error)
		go func() { seen <- p.Wait(t.Context(), 5) }()
		for _, seq := range []uint64{3, 4, 2} {
			p.set(seq)
			synctest.Wait()
			select {
			case err := <-seen:
				require.FailNow(t, "too early", "at %d: %v", seq, err)
			default:
			}
		}
		p.set(9)
		require.NoError(t, <-seen)

		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.ErrorIs(t, p.Wait(ctx, 10), context.DeadlineExceeded)
	})
}

func TestABatchIsWhatComesWithinAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rested := &pace{position: NewPosition()}
		in := make(chan Entry, 2*batchSize)
		in <- Entry{Seq: 1}
		go func() {
			<-time.After(batchWait - time.Nanosecond)
			in <- Entry{Seq: 2}
			<-time.After(time.Hour)
			for range batchSize + 1 {
				in <- Entry{Seq: 3}
			}
			close(in)
		}()
		batch, open := nextBatch(in, nil, rested)
		require.Equal(t, []Entry{{Seq: 1}, {Seq: 2}}, batch)
		require.True(t, open)
		batch, open = nextBatch(in, time.After(time.Minute), rested)
		require.Empty(t, batch)
		require.True(t, open)
		batch, open = nextBatch(in, nil, rested)
		require.Len(t, batch, batchSize)
		require.True(t, open)
		batch, open = nextBatch(in, nil, rested)
		require.Len(t, batch, 1)
		require.False(t, open)
		_, open = nextBatch(in, nil, rested)
		require.False(t, open)
	})
}

func TestTheStoreRestsUnlessSomebodyWaits(t *testing.T) {
	step := Entry{Record: deploy.Record{Event: deploy.StepChanged{}}}
	collect := func(t *testing.T, took time.Duration, entries ...Entry) (waited time.Duration) {
		p := &pace{position: NewPosition()}
		p.took(took)
		in := make(chan Entry, batchSize)
		for _, e := range entries {
			in <- e
		}
		began := time.Now()
		batch, open := nextBatch(in, nil, p)
		require.Len(t, batch, len(entries))
		require.True(t, open)
		return time.Since(began)
	}
	synctest.Test(t, func(t *testing.T) {
		require.Equal(t, batchWait, collect(t, time.Millisecond, step))
		require.Equal(t, 5*batchWait, collect(t, 10*time.Millisecond, step, Entry{Record: deploy.Record{Event: deploy.OutputSaid{}}}))
		require.Equal(t, longestRest, collect(t, time.Hour, step))
		require.Equal(t, batchWait, collect(t, time.Hour, step, Entry{Record: deploy.Record{Event: deploy.WasConcluded{}}}))

		p := &pace{position: NewPosition()}
		p.took(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		waits := make(chan error)
		go func() { waits <- p.position.Wait(ctx, 7) }()
		synctest.Wait()
		require.True(t, p.due(nil))
		cancel()
		require.ErrorIs(t, <-waits, context.Canceled)
		require.False(t, p.due(nil))
	})
}

func TestTheCacheKeepsWhatWasUsedLast(t *testing.T) {
	c := newCache[string, int](2)
	c.put("a", 1)
	c.put("b", 2)
	c.put("a", 3)
	_, _ = c.get("b")
	c.put("c", 4)
	_, ok := c.get("a")
	require.False(t, ok)
	b, ok := c.get("b")
	require.True(t, ok)
	require.Equal(t, 2, b)
	c.drop("b")
	c.drop("b")
	require.Len(t, c.items, 1)
	c.clear()
	_, ok = c.get("c")
	require.False(t, ok)
}

func TestAnOutageIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []bool
		o := outage{tell: func(away bool) { told = append(told, away) }}
		tries, began := 0, time.Now()
		require.NoError(t, o.insist(t.Context(), func() error {
			if tries++; time.Since(began) < time.Hour {
				return context.DeadlineExceeded
			}
			return nil
		}))
		require.Less(t, tries, int(time.Hour/longestPause)+20)
		require.Less(t, time.Since(began), time.Hour+2*longestPause)
		require.Zero(t, o.since)
		require.Equal(t, []bool{true, false}, told)

		failures := []error{context.DeadlineExceeded, nil}
		require.NoError(t, o.insist(t.Context(), func() error {
			err := failures[0]
			failures = failures[1:]
			return err
		}))
		require.Len(t, told, 2, "one failure is nobody's business")

		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, o.insist(ctx, func() error { cancel(); return ErrConflict }), context.Canceled)
		require.ErrorIs(t, o.insist(t.Context(), func() error { return ErrLost }), ErrLost)
	})
}
