package numbers

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestANumberThatAnObjectBringsAlongStays(t *testing.T) {
	_, s := open(t)
	require.Equal(t, map[string]uint64{"a": 1}, s.of(t, Server, "a"))
	keep := func(id string, number uint64) bool {
		has, err := s.CanKeep(t.Context(), Server, id, number)
		require.NoError(t, err)
		given, err := s.Keep(t.Context(), Server, id, number)
		require.NoError(t, err)
		require.NotEqual(t, has, given)
		return given
	}
	require.True(t, keep("b", 12))
	require.False(t, keep("b", 12), "it has it")
	require.True(t, keep("c", 7), "a number that the count has left out")
	require.Equal(t, map[string]uint64{"b": 12, "c": 7, "d": 13}, s.of(t, Server, "b", "c", "d"))
	require.Equal(t, "c", s.id(t, Server, 7))

	for _, wrong := range []struct {
		id     string
		number uint64
		why    error
	}{{"e", 12, ErrTaken}, {"e", 1, ErrTaken}, {"", 12, ErrTaken}, {"b", 14, ErrNumbered}, {"a", 7, ErrNumbered}} {
		_, err := s.CanKeep(t.Context(), Server, wrong.id, wrong.number)
		require.ErrorIs(t, err, wrong.why, wrong.id)
		if wrong.id == "" { // what is not there yet has no number to keep
			continue
		}
		_, err = s.Keep(t.Context(), Server, wrong.id, wrong.number)
		require.ErrorIs(t, err, wrong.why, wrong.id)
	}
	free, err := s.CanKeep(t.Context(), Server, "", 99)
	require.NoError(t, err)
	require.False(t, free)
	require.Equal(t, map[string]uint64{"e": 14}, s.of(t, Server, "e"), "nothing was given to it, and none of the count is used up")
}

func TestOneNumberThatManyBringAlongIsThatOfOne(t *testing.T) {
	broker, _ := open(t)
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		given []string
	)
	for i := range 8 {
		s, id := another(t, broker), fmt.Sprint("server", i)
		all.Go(func() {
			got, err := s.Keep(t.Context(), Server, id, 5)
			mu.Lock()
			defer mu.Unlock()
			if got {
				given = append(given, id)
			} else if err == nil {
				t.Error("it was neither given nor refused")
			}
		})
	}
	all.Wait()
	require.Len(t, given, 1)
	require.Equal(t, given[0], another(t, broker).id(t, Server, 5))
}
