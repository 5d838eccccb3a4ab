package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// putAll stores a value under k0, k1, …, in no order, and returns their keys.
func putAll(t *testing.T, c *bus.Cells[counter], count int) (keys []string) {
	t.Helper()
	var (
		writers sync.WaitGroup
		errs    [8]error
	)
	for w := range errs {
		writers.Go(func() {
			for i := w; i < count; i += len(errs) {
				_, err := c.Put(t.Context(), fmt.Sprint("k", i), counter{})
				errs[w] = errors.Join(errs[w], err)
			}
		})
	}
	writers.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	for i := range count {
		keys = append(keys, fmt.Sprint("k", i))
	}
	return keys
}

// TestAValueThatMovesWhileItsBucketIsReadIsGiven has values that are in no batch yet go behind
// new ones: more than there were at first must be read to come upon them.
func TestAValueThatMovesWhileItsBucketIsReadIsGiven(t *testing.T) {
	_, b := start(t)
	c := cells(t, b)
	const count = 1200
	keys := putAll(t, c, count)
	first, got := true, map[string]int{}
	require.NoError(t, c.Each(t.Context(), "*", func(cell bus.Cell[counter]) {
		got[cell.Key]++
		if !first {
			return
		}
		first = false
		for i := range 50 {
			_, err := c.Create(t.Context(), fmt.Sprint("new", i), counter{})
			require.NoError(t, err)
		}
		for i := range 40 {
			_, err := c.Put(t.Context(), keys[count-2-i], counter{N: 7})
			require.NoError(t, err)
		}
		require.NoError(t, c.Delete(t.Context(), keys[count-1], 0))
	}))
	for _, key := range keys[:count-1] {
		require.Equal(t, 1, got[key], key)
	}
}

// TestKeysOfABucketThatChangesAreAll has values change all the while. Without others being
// made, only what the broker counts could end the reading too soon.
func TestKeysOfABucketThatChangesAreAll(t *testing.T) {
	_, b := start(t)
	c := cells(t, b)
	keys := putAll(t, c, 4)
	untilEnd(t, func(ctx context.Context) {
		for i := 0; ctx.Err() == nil; i++ {
			_, _ = c.Put(ctx, keys[i%len(keys)], counter{N: i})
		}
	})
	for range 500 {
		got, err := c.Keys(t.Context(), ">")
		require.NoError(t, err)
		require.ElementsMatch(t, keys, got)
	}
}

func TestEachGivesWhatStandsInABucket(t *testing.T) {
	broker, b := start(t)
	c := cells(t, b)
	rev, err := c.Create(t.Context(), "a", counter{N: 1})
	require.NoError(t, err)
	_, err = c.Create(t.Context(), "b.c", counter{N: 2})
	require.NoError(t, err)
	_, err = c.Create(t.Context(), "gone", counter{N: 3})
	require.NoError(t, err)
	require.NoError(t, c.Delete(t.Context(), "gone", 0))
	words, err := bus.OpenCells[string](t.Context(), b, contract.BucketDeploy)
	require.NoError(t, err)
	_, err = words.Put(t.Context(), "damaged", "no counter")
	require.NoError(t, err)

	var got []bus.Cell[counter]
	require.NoError(t, c.Each(t.Context(), "*", func(cell bus.Cell[counter]) { got = append(got, cell) }))
	require.Len(t, got, 1)
	require.False(t, got[0].At.IsZero())
	require.Equal(t, []bus.Cell[counter]{{Key: "a", Value: counter{N: 1}, Rev: rev, At: got[0].At}}, got)

	enough := errors.New("enough")
	require.ErrorIs(t, b.Values(t.Context(), contract.BucketDeploy, []string{"a", "b.*"}, func(bus.Stored) error { return enough }), enough)
	broker.Stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, b.Values(ctx, contract.BucketDeploy, []string{"a"}, func(bus.Stored) error { return nil }))
}
