package mirror

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/contract"
)

type value struct {
	N     int    `json:"n"`
	Alias string `json:"alias,omitempty"`
}

const bucket = contract.BucketServers

func open(t *testing.T) (*bustest.Server, *bus.Bus, *bus.Cells[value], *Mirror[value]) {
	t.Helper()
	broker := bustest.Start(t)
	b := broker.OpenBus(t)
	cells, err := bus.OpenCells[value](t.Context(), b, bucket)
	require.NoError(t, err)
	m, err := Open(t.Context(), b, bucket, func(v value) string { return v.Alias }, zerolog.Nop())
	require.NoError(t, err)
	return broker, b, cells, m
}

func TestARefreshSeesEverythingThatWasStoredBefore(t *testing.T) {
	_, _, cells, m := open(t)
	for i := range 50 {
		key := fmt.Sprint("k", i%7)
		rev, err := cells.Put(t.Context(), key, value{N: i})
		require.NoError(t, err)
		require.NoError(t, m.Refresh(t.Context()))
		e, ok := m.Get(key)
		require.True(t, ok)
		require.Equal(t, Entry[value]{value{N: i}, rev}, e)
	}
	require.NoError(t, cells.Delete(t.Context(), "k1", 0))
	require.NoError(t, m.Refresh(t.Context()))
	_, ok := m.Get("k1")
	require.False(t, ok)
	m.View(func(all map[string]Entry[value]) { require.Len(t, all, 6) })
}

func TestAnAliasFollowsItsValue(t *testing.T) {
	_, _, cells, m := open(t)
	put := func(key, alias string) {
		_, err := cells.Put(t.Context(), key, value{Alias: alias})
		require.NoError(t, err)
		require.NoError(t, m.Refresh(t.Context()))
	}
	put("a", "x")
	_, ok := m.Find("x")
	require.True(t, ok)
	put("a", "y")
	_, ok = m.Find("x")
	require.False(t, ok)
	_, ok = m.Find("y")
	require.True(t, ok)
	require.NoError(t, cells.Delete(t.Context(), "a", 0))
	require.NoError(t, m.Refresh(t.Context()))
	_, ok = m.Find("y")
	require.False(t, ok)
}

func TestManyCanRefreshAtOnce(t *testing.T) {
	_, _, cells, m := open(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 30 {
				key := fmt.Sprint("k", i)
				_, err := cells.Put(t.Context(), key, value{N: n})
				if err == nil {
					err = m.Refresh(t.Context())
				}
				if e, _ := m.Get(key); err != nil || e.Value.N != n {
					t.Errorf("own write %d is not seen, but %d: %v", n, e.Value.N, err)
				}
			}
		})
	}
	all.Wait()
}

func TestAMirrorWithoutItsBrokerSaysSoAndGoesOnLater(t *testing.T) {
	broker, _, cells, m := open(t)
	_, err := cells.Put(t.Context(), "a", value{N: 1})
	require.NoError(t, err)
	require.NoError(t, m.Refresh(t.Context()))
	broker.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, m.Refresh(ctx), bus.ErrUnavailable)
	require.NoError(t, m.RefreshWithin(t.Context(), time.Hour), "what is known is recent enough")
	_, ok := m.Get("a")
	require.True(t, ok)
	broker.Restart()
	require.NoError(t, m.Refresh(t.Context()))
}

func TestABucketThatIsMadeAnewIsReadAnew(t *testing.T) {
	_, b, cells, m := open(t)
	for i := range 5 {
		_, err := cells.Put(t.Context(), fmt.Sprint(i), value{N: i})
		require.NoError(t, err)
	}
	require.NoError(t, m.Refresh(t.Context()))
	stream, err := b.JetStream().Stream(t.Context(), "KV_"+bucket)
	require.NoError(t, err)
	require.NoError(t, b.JetStream().DeleteStream(t.Context(), "KV_"+bucket))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, m.Refresh(ctx), bus.ErrUnavailable)

	_, err = b.JetStream().CreateStream(t.Context(), stream.CachedInfo().Config)
	require.NoError(t, err)
	_, err = cells.Put(t.Context(), "new", value{N: 9})
	require.NoError(t, err)
	require.NoError(t, m.Refresh(t.Context()))
	m.View(func(all map[string]Entry[value]) { require.Len(t, all, 1) })
}

func TestADamagedValueHidesNoOther(t *testing.T) {
	_, b, cells, _ := open(t)
	_, err := b.JetStream().Publish(t.Context(), "$KV."+bucket+".bad", []byte("not JSON"))
	require.NoError(t, err)
	_, err = cells.Put(t.Context(), "good", value{N: 1})
	require.NoError(t, err)
	var log strings.Builder
	m, err := Open[value](t.Context(), b, bucket, nil, zerolog.New(&log))
	require.NoError(t, err)
	require.NoError(t, m.Refresh(t.Context()))
	m.View(func(all map[string]Entry[value]) { require.Len(t, all, 1) })
	require.Contains(t, log.String(), "bad")
}

func TestADeletionWhoseMarkIsGoneIsSeenAfterAGap(t *testing.T) {
	_, b, cells, m := open(t)
	for _, key := range []string{"stays", "goes"} {
		_, err := cells.Put(t.Context(), key, value{Alias: key})
		require.NoError(t, err)
	}
	require.NoError(t, m.Refresh(t.Context()))
	require.NoError(t, cells.Delete(t.Context(), "goes", 0))
	stream, err := b.JetStream().Stream(t.Context(), "KV_"+bucket)
	require.NoError(t, err)
	mark, err := stream.GetLastMsgForSubject(t.Context(), "$KV."+bucket+".goes")
	require.NoError(t, err)
	lives, err := time.ParseDuration(mark.Header.Get("Nats-TTL"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, lives, 2*longestGap)

	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSubject("$KV."+bucket+".goes")))
	m.gap = 0
	require.NoError(t, m.Refresh(t.Context()))
	m.View(func(all map[string]Entry[value]) { require.Len(t, all, 1) })
	_, ok := m.Find("goes")
	require.False(t, ok)
}

func TestACopyThatIsNotWholeProvesNothing(t *testing.T) {
	_, b, cells, m := open(t)
	see := func(all map[string]Entry[value]) { require.Len(t, all, 1) }
	never := func(map[string]Entry[value]) { require.Fail(t, "the copy is not whole") }
	_, err := cells.Put(t.Context(), "good", value{N: 1})
	require.NoError(t, err)
	_, err = m.Whole(never)
	require.ErrorIs(t, err, ErrPartial, "nothing was read yet")
	require.NoError(t, m.Refresh(t.Context()))
	first, err := m.Whole(see)
	require.NoError(t, err)
	require.NoError(t, m.Still(t.Context(), first))

	_, err = b.JetStream().Publish(t.Context(), "$KV."+bucket+".bad", []byte("not JSON"))
	require.NoError(t, err)
	require.NoError(t, m.Refresh(t.Context()))
	_, err = m.Whole(never)
	require.ErrorIs(t, err, ErrPartial)
	require.NoError(t, cells.Delete(t.Context(), "bad", 0))
	require.NoError(t, m.Refresh(t.Context()))
	_, err = m.Whole(see)
	require.NoError(t, err)

	m.reset()
	_, err = m.Whole(never)
	require.ErrorIs(t, err, ErrPartial)
	require.NoError(t, m.Refresh(t.Context()))
	second, err := m.Whole(see)
	require.NoError(t, err)
	require.ErrorIs(t, m.Still(t.Context(), first), ErrPartial)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, m.Still(ended, second), context.Canceled)
}
