package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestPlanCutsTargetsIntoWaves(t *testing.T) {
	cases := []struct {
		name              string
		targets, waveSize int
		want              []deploy.Range
	}{
		{"no size is one wave", 7, 0, []deploy.Range{{First: 0, Count: 7}}},
		{"a negative size is no size", 7, -3, []deploy.Range{{First: 0, Count: 7}}},
		{"the last wave takes what is left", 7, 3, []deploy.Range{{0, 3}, {3, 3}, {6, 1}}},
		{"waves that come out even", 6, 3, []deploy.Range{{0, 3}, {3, 3}}},
		{"one host at a time", 3, 1, []deploy.Range{{0, 1}, {1, 1}, {2, 1}}},
		{"a wave larger than the fleet", 2, 50, []deploy.Range{{0, 2}}},
		{"no targets, no waves", 0, 3, nil},
		{"fewer than no targets", -1, 3, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := deploy.Plan(c.targets, c.waveSize)
			var waves []deploy.Range
			for i := range plan.Len() {
				waves = append(waves, plan.At(i))
			}
			require.Equal(t, c.want, waves)
		})
	}
}

func TestPiecesBoundAWave(t *testing.T) {
	wave := deploy.Range{First: 40, Count: 2*deploy.PieceSize + 5}
	require.Equal(t, []deploy.Range{
		{First: 40, Count: deploy.PieceSize},
		{First: 40 + deploy.PieceSize, Count: deploy.PieceSize},
		{First: 40 + 2*deploy.PieceSize, Count: 5},
	}, wave.Pieces())
}

func TestEveryTargetIsInExactlyOneWaveAndOnePieceOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		targets := rapid.IntRange(1, 1000).Draw(t, "targets")
		waves := deploy.Plan(targets, rapid.IntRange(0, 1100).Draw(t, "wave size"))

		next := 0
		for i := range waves.Len() {
			w := waves.At(i)
			require.Equal(t, next, w.First, "waves follow each other without a gap")
			for _, p := range w.Pieces() {
				require.Equal(t, next, p.First, "pieces follow each other without a gap")
				require.Positive(t, p.Count)
				require.LessOrEqual(t, p.Count, deploy.PieceSize)
				next += p.Count
			}
			require.Equal(t, w.First+w.Count, next)
			for _, edge := range []int{w.First, next - 1} {
				wave, ok := waves.Of(edge)
				require.True(t, ok)
				require.Equal(t, i, wave)
			}
		}
		require.Equal(t, targets, next, "nobody is left out")
		for _, outside := range []int{-1, targets} {
			_, ok := waves.Of(outside)
			require.False(t, ok)
		}
	})
}
