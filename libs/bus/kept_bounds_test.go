package bus

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhatIsKeptIsBounded(t *testing.T) {
	var k kept
	const here, elsewhere = 1, 2
	for n := range mostKept + 10 {
		k.put(here, strconv.Itoa(n), written{[]byte("{}"), uint64(n)})
	}
	require.Len(t, k.values, mostKept)
	k.put(here, "a", written{[]byte("{}"), 1})
	k.put(here, "a", written{make([]byte, largestKept+1), 2})
	_, ok := k.take(here, "a")
	require.False(t, ok, "what is there now is too large")

	k.put(here, "a", written{[]byte("{}"), 3})
	_, ok = k.take(elsewhere, "a")
	require.False(t, ok)
	got, ok := k.take(here, "a")
	require.True(t, ok)
	require.EqualValues(t, 3, got.rev)
	k.put(here, "a", written{[]byte("{}"), 4})
	k.drop("a")
	_, ok = k.take(here, "a")
	require.False(t, ok)
}
