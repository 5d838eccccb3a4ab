package bus_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
)

// reads returns how many reads of buckets the broker was asked for since that was asked last.
func reads(t *testing.T, b *bus.Bus) (since func() int) {
	t.Helper()
	sub, err := b.Conn().SubscribeSync("$JS.API.STREAM.MSG.GET.>")
	require.NoError(t, err)
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	require.NoError(t, b.Conn().Flush())
	before := 0
	return func() int {
		require.NoError(t, b.Conn().Flush()) // what was asked for before has come here by then
		all, _, err := sub.Pending()
		require.NoError(t, err)
		n := all - before
		before = all
		return n
	}
}

func addOne(c counter) (counter, bool, error) { return counter{N: c.N + 1}, true, nil }

func TestWhoWroteLastChangesWithoutReading(t *testing.T) {
	broker, b := start(t)
	c, ctx := cells(t, b), t.Context()
	asked := reads(t, b)
	change := func(by *bus.Cells[counter], want int) {
		t.Helper()
		got, err := by.Change(ctx, "k", addOne)
		require.NoError(t, err)
		require.Equal(t, want, got.N)
	}
	change(c, 1)
	require.Equal(t, 1, asked())
	for n := 2; n < 10; n++ {
		change(c, n)
	}
	require.Zero(t, asked())

	_, err := c.Change(ctx, "k", func(have counter) (counter, bool, error) { return have, false, nil })
	require.NoError(t, err)
	require.Equal(t, 1, asked(), "that nothing is to be written is said of what is there now alone")

	other := cells(t, b)
	change(other, 10)
	change(c, 11)
	change(other, 12)
	asked()

	require.NoError(t, c.Forget(ctx, "k"))
	change(other, 1)
	require.Equal(t, 1, asked(), "what was removed is not there any more")

	broker.Restart()
	got, err := other.Change(ctx, "k", func(counter) (counter, bool, error) { return counter{N: 2}, true, nil })
	require.NoError(t, err)
	require.Equal(t, 2, got.N)
	require.NotZero(t, asked(), "of another connection nothing is known")
}

func TestWhereOthersWriteInBetweenValuesAreReadFirst(t *testing.T) {
	_, b := start(t)
	one, other := cells(t, b), cells(t, b)
	asked := reads(t, b)
	for range 40 {
		for _, c := range []*bus.Cells[counter]{one, other} {
			_, err := c.Change(t.Context(), "k", addOne)
			require.NoError(t, err)
		}
	}
	asked()
	called := 0
	for range 32 {
		_, err := one.Change(t.Context(), "k", func(c counter) (counter, bool, error) {
			called++
			return addOne(c)
		})
		require.NoError(t, err)
		_, err = other.Change(t.Context(), "k", addOne)
		require.NoError(t, err)
	}
	require.Equal(t, 64, asked())
	require.Equal(t, 32+2, called, "now and then it is tried whether that is so still")

	for range 64 { // alone again
		_, err := one.Change(t.Context(), "k", addOne)
		require.NoError(t, err)
	}
	asked()
	got, err := one.Change(t.Context(), "k", addOne)
	require.NoError(t, err)
	require.Zero(t, asked())
	require.Equal(t, 80+64+65, got.N)
}
