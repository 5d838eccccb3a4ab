package bus_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// stored is how many messages the bucket behind cells holds, markers included.
func stored(t *testing.T, b *bus.Bus) int {
	t.Helper()
	s, err := b.JetStream().Stream(t.Context(), "KV_"+contract.BucketDeploy)
	require.NoError(t, err)
	return int(s.CachedInfo().State.Msgs)
}

// requireMark checks that of the key nothing is left but a mark that ends by
// itself.
func requireMark(t *testing.T, b *bus.Bus, key string) {
	t.Helper()
	require.Equal(t, 1, stored(t, b))
	s, err := b.JetStream().Stream(t.Context(), "KV_"+contract.BucketDeploy)
	require.NoError(t, err)
	mark, err := s.GetLastMsgForSubject(t.Context(), "$KV."+contract.BucketDeploy+"."+key)
	require.NoError(t, err)
	require.Empty(t, mark.Data)
	require.NotEmpty(t, mark.Header.Get("Nats-TTL"))
}

func TestDeleteLeavesAMarkThatEndsByItself(t *testing.T) {
	_, b := start(t)
	c, ctx := cells(t, b), t.Context()
	rev, err := c.Create(ctx, "k", counter{N: 1})
	require.NoError(t, err)
	require.NoError(t, c.Delete(ctx, "k", rev))
	requireMark(t, b, "k")

	_, err = c.Set(ctx, "k", counter{N: 2}, rev)
	require.ErrorIs(t, err, bus.ErrConflict, "what was deleted is not there to be replaced")
	require.ErrorIs(t, c.Delete(ctx, "k", rev), bus.ErrConflict)

	rev, err = c.Create(ctx, "k", counter{N: 3})
	require.NoError(t, err)
	require.ErrorIs(t, c.Delete(ctx, "k", rev-1), bus.ErrConflict)
	got, _, err := c.Get(ctx, "k")
	require.NoError(t, err, "another revision is left alone")
	require.Equal(t, 3, got.N)

	require.NoError(t, c.Delete(ctx, "k", 0))
	requireMark(t, b, "k")
	require.NoError(t, c.Delete(ctx, "k", 0), "nothing was there")
}

func TestDeleteBelowTakesNothingBeside(t *testing.T) {
	_, b := start(t)
	c, ctx := cells(t, b), t.Context()
	for _, k := range []string{"d1", "d1.0.0", "d1.0.1", "d1.1", "d10.0", "d2.0.0"} {
		_, err := c.Create(ctx, k, counter{})
		require.NoError(t, err)
	}
	require.NoError(t, c.DeleteBelow(ctx, "d1"))
	require.NoError(t, c.DeleteBelow(ctx, "d1"), "again")
	keys, err := c.Keys(ctx, ">")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"d1", "d10.0", "d2.0.0"}, keys)
	require.Equal(t, 3, stored(t, b))
}

// A key that one creates and deletes can serve as a lock.
func TestDeleteNeverTakesWhatAnotherWroteSince(t *testing.T) {
	_, b := start(t)
	c := cells(t, b)
	const writers, each = 8, 20
	var (
		running sync.WaitGroup
		errs    [writers]error
	)
	own := func(me int) error {
		rev, err := c.Create(t.Context(), "k", counter{N: me})
		if errors.Is(err, bus.ErrConflict) {
			return nil
		}
		if err != nil {
			return err
		}
		got, now, err := c.Get(t.Context(), "k")
		if err != nil {
			return err
		}
		if got.N != me || now != rev {
			return errors.New("another has what this one created")
		}
		return c.Delete(t.Context(), "k", rev)
	}
	for w := range writers {
		running.Go(func() {
			for range each {
				errs[w] = errors.Join(errs[w], own(w))
			}
		})
	}
	running.Wait()
	require.NoError(t, errors.Join(errs[:]...))
}
