package rollouts

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestThePiecesThatWereReadLastAreAtHand(t *testing.T) {
	var p pieces
	for n := range piecesKept + 1 {
		p.put(strconv.Itoa(n), servers(strconv.Itoa(n), 1))
		p.put(strconv.Itoa(n), servers(strconv.Itoa(n), 1))
	}
	_, ok := p.get("0")
	require.False(t, ok)
	last, ok := p.get(strconv.Itoa(piecesKept))
	require.True(t, ok)
	require.Equal(t, strconv.Itoa(piecesKept)+"0", last[0].Host)
	require.Len(t, p.kept, piecesKept)
	require.Len(t, p.order, piecesKept)
}

// What is sealed in a piece names another key once keys are rotated.
func TestAPieceIsReadAgainAfterSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pieces
		p.put("a", servers("older", 1))
		<-time.After(pieceAge - time.Nanosecond)
		_, ok := p.get("a")
		require.True(t, ok)
		<-time.After(time.Nanosecond)
		_, ok = p.get("a")
		require.False(t, ok, "being asked for does not keep it")
		p.put("a", servers("newer", 1))
		piece, ok := p.get("a")
		require.True(t, ok)
		require.Equal(t, servers("newer", 1), piece)
		require.Len(t, p.order, 1)
	})
}
