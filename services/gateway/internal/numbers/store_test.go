package numbers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
)

func open(t *testing.T) (*bustest.Server, *Store) {
	t.Helper()
	broker := bustest.Start(t)
	return broker, another(t, broker)
}

// another is the numbers as another gateway has them.
func another(t *testing.T, broker *bustest.Server) *Store {
	t.Helper()
	s, err := Open(t.Context(), broker.OpenBus(t))
	require.NoError(t, err)
	return s
}

func (s *Store) of(t *testing.T, kind Kind, ids ...string) map[string]uint64 {
	t.Helper()
	got, err := s.Of(t.Context(), kind, ids...)
	require.NoError(t, err)
	return got
}

func (s *Store) id(t *testing.T, kind Kind, number uint64) string {
	t.Helper()
	id, err := s.ID(t.Context(), kind, number)
	require.NoError(t, err)
	return id
}

func TestNumbersAreGivenInTheOrderOfTheIDsAndStay(t *testing.T) {
	broker, s := open(t)
	want := map[string]uint64{"c": 1, "a": 2, "b": 3}
	require.Equal(t, want, s.of(t, Server, "c", "a", "c", "b"))
	require.Equal(t, map[string]uint64{"a": 2, "d": 4}, s.of(t, Server, "d", "a"))
	broker.Restart()
	again := another(t, broker)
	require.Equal(t, want, again.of(t, Server, "a", "b", "c"))
	require.Equal(t, "b", again.id(t, Server, 3))
	require.Empty(t, again.of(t, Server))
}

func TestEachKindCountsForItself(t *testing.T) {
	_, s := open(t)
	for _, kind := range []Kind{Server, Deployment, Project, Stage, Template} {
		require.Equal(t, map[string]uint64{"same": 1}, s.of(t, kind, "same"))
		require.Equal(t, "same", s.id(t, kind, 1))
	}
}

func TestWhatNobodyWasToldIsNoNumber(t *testing.T) {
	_, s := open(t)
	s.of(t, Server, "a")
	for _, number := range []uint64{0, 2} {
		_, err := s.ID(t.Context(), Server, number)
		require.ErrorIs(t, err, ErrNone)
	}
	_, err := s.ID(t.Context(), Deployment, 1)
	require.ErrorIs(t, err, ErrNone)
}

func TestManyGatewaysGiveOneNumberToEachObject(t *testing.T) {
	broker, first := open(t)
	stores := []*Store{first, another(t, broker), another(t, broker), another(t, broker)}
	ids := make([]string, 100)
	for i := range ids {
		ids[i] = fmt.Sprint("d", i)
	}
	got := make([]map[string]uint64, 3*len(stores))
	var all sync.WaitGroup
	for i := range got {
		all.Go(func() {
			mine := slices.Clone(ids)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			got[i], _ = stores[i%len(stores)].Of(t.Context(), Deployment, mine...)
		})
	}
	all.Wait()
	for i := range got {
		require.Len(t, got[i], len(ids), "and no error")
		require.Equal(t, got[0], got[i])
	}
	numbers := slices.Sorted(maps.Values(got[0]))
	require.Len(t, slices.Compact(numbers), len(ids))
	for id, number := range got[0] {
		require.Equal(t, id, first.id(t, Deployment, number))
	}
}

func TestAGatewayThatDiedInBetweenLeavesAGapAtMost(t *testing.T) {
	_, s := open(t)
	number, err := s.setAside(t.Context(), Server, 2)
	require.NoError(t, err)
	require.NoError(t, s.create(t.Context(), Server.number(number), cell{ID: "a"}))
	_, err = s.ID(t.Context(), Server, number)
	require.ErrorIs(t, err, ErrNone)
	require.Equal(t, map[string]uint64{"b": 3, "a": 4}, s.of(t, Server, "b", "a"))
	_, err = s.ID(t.Context(), Server, number)
	require.ErrorIs(t, err, ErrNone, "it was set aside for what has another")
	got, err := s.give(t.Context(), Server, "a", 2)
	require.NoError(t, err)
	require.EqualValues(t, 4, got)
}

func TestANumberThatIsTakenIsNotGivenThoughTheCountIsBehind(t *testing.T) {
	_, s := open(t)
	s.of(t, Server, "a", "b", "c")
	_, err := s.cells.Put(t.Context(), Server.last(), cell{Number: 1})
	require.NoError(t, err)
	require.Equal(t, map[string]uint64{"d": 4}, s.of(t, Server, "d"))
	require.Equal(t, "b", s.id(t, Server, 2))
}

func TestWhatAnEarlierTryStoredIsNoConflict(t *testing.T) {
	_, s := open(t)
	require.NoError(t, s.create(t.Context(), Server.of("a"), cell{Number: 7}))
	require.NoError(t, s.create(t.Context(), Server.of("a"), cell{Number: 7}))
	require.ErrorIs(t, s.create(t.Context(), Server.of("a"), cell{Number: 8}), bus.ErrConflict)
}

func TestWithoutABrokerThereIsNoNumber(t *testing.T) {
	broker, s := open(t)
	broker.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Of(ctx, Server, "a")
	require.ErrorIs(t, err, bus.ErrUnavailable)
	_, err = s.ID(ctx, Server, 1)
	require.ErrorIs(t, err, bus.ErrUnavailable)
}
