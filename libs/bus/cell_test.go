package bus_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

type counter struct {
	N  int      `json:"n"`
	By []string `json:"by,omitempty"`
}

func cells(t *testing.T, b *bus.Bus) *bus.Cells[counter] {
	t.Helper()
	c, err := bus.OpenCells[counter](t.Context(), b, contract.BucketDeploy)
	require.NoError(t, err)
	return c
}

func TestCellsChangeByCompareAndSetAlone(t *testing.T) {
	broker, b := start(t)
	c, ctx := cells(t, b), t.Context()

	_, _, err := c.Get(ctx, "k")
	require.ErrorIs(t, err, bus.ErrNone)
	first, err := c.Create(ctx, "k", counter{N: 1})
	require.NoError(t, err)
	_, err = c.Create(ctx, "k", counter{N: 2})
	require.ErrorIs(t, err, bus.ErrConflict)

	second, err := c.Set(ctx, "k", counter{N: 2}, first)
	require.NoError(t, err)
	_, err = c.Set(ctx, "k", counter{N: 3}, first)
	require.ErrorIs(t, err, bus.ErrConflict)

	broker.Restart()
	got, rev, err := c.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, counter{N: 2}, got)
	require.Equal(t, second, rev)

	require.ErrorIs(t, c.Delete(ctx, "k", first), bus.ErrConflict)
	require.NoError(t, c.Delete(ctx, "k", second))
	_, _, err = c.Get(ctx, "k")
	require.ErrorIs(t, err, bus.ErrNone)
	_, err = c.Create(ctx, "k", counter{N: 4})
	require.NoError(t, err, "what was deleted can be made again")
	require.NoError(t, c.Delete(ctx, "k", 0), "whatever is there")
	require.NoError(t, c.Delete(ctx, "k", 0), "nothing is there")

	_, err = c.Put(ctx, "k", counter{N: 5})
	require.NoError(t, err)
	_, err = c.Put(ctx, "k", counter{N: 6})
	require.NoError(t, err)
	got, _, err = c.Get(ctx, "k")
	require.NoError(t, err)
	require.Equal(t, 6, got.N)
}

func TestABucketThatIsNotThereIsNotOpened(t *testing.T) {
	_, b := start(t)
	_, err := bus.OpenCells[counter](t.Context(), b, "NOTHING")
	require.Error(t, err)
	require.NotErrorIs(t, err, bus.ErrUnavailable)
}

func TestChangeLosesNoUpdateOfManyWriters(t *testing.T) {
	broker, b := start(t)
	const each = 10
	var (
		writers sync.WaitGroup
		all     = [16]*bus.Cells[counter]{}
		errs    [16]error
	)
	for i := range all {
		other := b
		if i%4 == 0 { // some share a connection, others do not
			other = open(t, broker)
		}
		all[i] = cells(t, other)
	}
	for i, c := range all {
		writers.Go(func() {
			for range each {
				_, err := c.Change(t.Context(), "k", func(now counter) (counter, bool, error) {
					return counter{N: now.N + 1}, true, nil
				})
				errs[i] = errors.Join(errs[i], err)
			}
		})
	}
	writers.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	got, _, err := cells(t, b).Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, len(all)*each, got.N)
}

func TestChangeWritesOnlyWhatItsFunctionDecides(t *testing.T) {
	_, b := start(t)
	c, ctx := cells(t, b), t.Context()
	got, err := c.Change(ctx, "k", func(now counter) (counter, bool, error) {
		require.Equal(t, counter{}, now, "the zero value where there is none")
		return counter{N: 7}, false, nil
	})
	require.NoError(t, err)
	require.Equal(t, 7, got.N)
	_, _, err = c.Get(ctx, "k")
	require.ErrorIs(t, err, bus.ErrNone, "it said not to write")

	refused := errors.New("refused")
	_, err = c.Change(ctx, "k", func(counter) (counter, bool, error) { return counter{N: 8}, true, refused })
	require.ErrorIs(t, err, refused)
	_, _, err = c.Get(ctx, "k")
	require.ErrorIs(t, err, bus.ErrNone)

	// Another writer comes between reading and writing, twice.
	calls := 0
	got, err = c.Change(ctx, "k", func(now counter) (counter, bool, error) {
		if calls++; calls <= 2 {
			_, err := c.Put(ctx, "k", counter{N: 100 * calls})
			require.NoError(t, err)
		}
		return counter{N: now.N + 1}, true, nil
	})
	require.NoError(t, err)
	require.Equal(t, 201, got.N, "decided anew on what the other wrote")
	require.Equal(t, 3, calls)
}

func TestChangeWaitsForTheBroker(t *testing.T) {
	broker, b := start(t)
	c := cells(t, b)
	changed := make(chan error, 1)
	broker.Stop()
	go func() {
		_, err := c.Change(t.Context(), "k", func(counter) (counter, bool, error) { return counter{N: 1}, true, nil })
		changed <- err
	}()
	broker.Restart()
	require.NoError(t, receive(t, changed, "Change goes on"))
}

func TestKeysAreThoseThatTheFilterMatches(t *testing.T) {
	_, b := start(t)
	c, ctx := cells(t, b), t.Context()
	keys, err := c.Keys(ctx, ">")
	require.NoError(t, err)
	require.Empty(t, keys)
	for _, k := range []string{"d1", "d1.0.0", "d1.0.1", "d2", "d2.0.0", "gone"} {
		_, err := c.Create(ctx, k, counter{})
		require.NoError(t, err)
	}
	require.NoError(t, c.Delete(ctx, "gone", 0))
	for filter, want := range map[string][]string{
		">":    {"d1", "d1.0.0", "d1.0.1", "d2", "d2.0.0"},
		"*":    {"d1", "d2"},
		"d1.>": {"d1.0.0", "d1.0.1"},
		"d3.>": nil,
	} {
		keys, err = c.Keys(ctx, filter)
		require.NoError(t, err)
		require.ElementsMatch(t, want, keys, filter)
	}
}

// Whoever deletes or counts by a list of keys must not take a part for the
// whole.
func TestKeysAreAllOrAnError(t *testing.T) {
	_, b := start(t)
	c := cells(t, b)
	const count = 2000
	putAll(t, c, count)
	for after := 100 * time.Microsecond; ; after += after / 4 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		keys, err := c.Keys(ctx, ">")
		cancel()
		if err == nil {
			require.Len(t, keys, count, "after %s", after)
			return
		}
	}
}
