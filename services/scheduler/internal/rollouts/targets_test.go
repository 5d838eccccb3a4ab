package rollouts

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestThePiecesThatWereReadLastAreAtHand(t *testing.T) {
	var p pieces
	for n := range piecesKept + 1 {
		p.put(strconv.Itoa(n), contract.SnapshotPiece{Targets: servers(strconv.Itoa(n), 1)})
		p.put(strconv.Itoa(n), contract.SnapshotPiece{})
	}
	_, ok := p.get("0")
	require.False(t, ok)
	last, ok := p.get(strconv.Itoa(piecesKept))
	require.True(t, ok)
	require.Equal(t, strconv.Itoa(piecesKept)+"0", last.Targets[0].Host)
	require.Len(t, p.kept, piecesKept)
	require.Len(t, p.order, piecesKept)
}
