package rollouts

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePiecesThatWereReadLastAreAtHand(t *testing.T) {
	var p pieces
	for n := range piecesKept + 1 {
		p.put(strconv.Itoa(n), servers(strconv.Itoa(n), 1))
		p.put(strconv.Itoa(n), nil)
	}
	_, ok := p.get("0")
	require.False(t, ok)
	last, ok := p.get(strconv.Itoa(piecesKept))
	require.True(t, ok)
	require.Equal(t, strconv.Itoa(piecesKept)+"0", last[0].Host)
	require.Len(t, p.kept, piecesKept)
	require.Len(t, p.order, piecesKept)
}
