package contract_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestAPieceHoldsEachJumpHostOnce(t *testing.T) {
	edge, inner := contract.Hop{Host: "edge", Credential: "sealed"}, contract.Hop{Host: "inner"}
	targets := []contract.Target{
		{Host: "a", Via: []contract.Hop{edge, inner}}, {Host: "b"}, {Host: "c", Via: []contract.Hop{edge}},
	}
	piece := contract.PieceOf(targets)
	require.Equal(t, []contract.Hop{edge, inner}, piece.Hops)
	raw, err := json.Marshal(piece)
	require.NoError(t, err)
	var read contract.SnapshotPiece
	require.NoError(t, json.Unmarshal(raw, &read))
	whole, err := read.Whole()
	require.NoError(t, err)
	require.Equal(t, targets, whole)
	require.NotEmpty(t, targets[0].Via, "what was given stays as it was")
}

func TestAPieceWithoutJumpHostsIsWhatItEverWas(t *testing.T) {
	raw, err := json.Marshal(contract.PieceOf([]contract.Target{{Host: "a"}}))
	require.NoError(t, err)
	require.JSONEq(t, `{"targets":[{"host":"a","name":"","address":"","port":0,"user":""}]}`, string(raw))
	whole, err := contract.SnapshotPiece{Targets: []contract.Target{{Host: "a"}}}.Whole()
	require.NoError(t, err)
	require.Equal(t, []contract.Target{{Host: "a"}}, whole)
}

func TestAPieceWhoseWaysLeadNowhereIsMalformed(t *testing.T) {
	hop, target := []contract.Hop{{Host: "edge"}}, []contract.Target{{Host: "a"}}
	for name, piece := range map[string]contract.SnapshotPiece{
		"no such hop": {Targets: target, Hops: hop, Ways: [][]int{{1}}},
		"below zero":  {Targets: target, Hops: hop, Ways: [][]int{{-1}}},
		"too few":     {Targets: append(target, contract.Target{}), Hops: hop, Ways: [][]int{{0}}},
	} {
		_, err := piece.Whole()
		require.ErrorIs(t, err, contract.ErrMalformed, name)
	}
}
