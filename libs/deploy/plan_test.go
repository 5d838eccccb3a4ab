package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestAStrategyCutsTargetsIntoWaves(t *testing.T) {
	rolling := func(batch string) deploy.Strategy {
		return deploy.Strategy{Kind: deploy.Rolling, Batch: amount(t, batch)}
	}
	canary := func(first, batch string) deploy.Strategy {
		return deploy.Strategy{Kind: deploy.Canary, First: amount(t, first), Batch: amount(t, batch)}
	}
	cases := []struct {
		name     string
		targets  int
		strategy deploy.Strategy
		want     []deploy.Range
	}{
		{"nothing said is all at once", 7, deploy.Strategy{}, []deploy.Range{{First: 0, Count: 7}}},
		{"all at once", 7, deploy.Strategy{Kind: deploy.AllAtOnce}, []deploy.Range{{First: 0, Count: 7}}},
		{"one host at a time", 3, deploy.Strategy{Kind: deploy.Serial}, []deploy.Range{{0, 1}, {1, 1}, {2, 1}}},
		{"the last wave takes what is left", 7, rolling("3"), []deploy.Range{{0, 3}, {3, 3}, {6, 1}}},
		{"waves that come out even", 6, rolling("3"), []deploy.Range{{0, 3}, {3, 3}}},
		{"a share of the hosts", 8, rolling("25%"), []deploy.Range{{0, 2}, {2, 2}, {4, 2}, {6, 2}}},
		{"a share is rounded down", 7, rolling("50%"), []deploy.Range{{0, 3}, {3, 3}, {6, 1}}},
		{"a share of less than a host is one", 3, rolling("1%"), []deploy.Range{{0, 1}, {1, 1}, {2, 1}}},
		{"a wave larger than the fleet", 2, rolling("50"), []deploy.Range{{0, 2}}},
		{"a canary, then all the rest", 7, canary("2", "0"), []deploy.Range{{0, 2}, {2, 5}}},
		{"a canary, then in waves", 7, canary("10%", "4"), []deploy.Range{{0, 1}, {1, 4}, {5, 2}}},
		{"a canary of all", 3, canary("100%", "1"), []deploy.Range{{0, 3}}},
		{"sets of their own", 7, deploy.Strategy{Kind: deploy.BlueGreen, Sets: []deploy.Set{
			{Role: deploy.RoleNew, Targets: 3}, {Role: deploy.RoleBalancer, Targets: 1}, {Role: deploy.RoleOld, Targets: 3},
		}}, []deploy.Range{{0, 3}, {3, 1}, {4, 3}}},
		{"no targets, no waves", 0, rolling("3"), nil},
		{"fewer than no targets", -1, deploy.Strategy{}, nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			plan := c.strategy.Plan(c.targets)
			var waves []deploy.Range
			for i := range plan.Len() {
				waves = append(waves, plan.At(i))
			}
			require.Equal(t, c.want, waves)
		})
	}
}

func amount(t require.TestingT, s string) deploy.Amount {
	a, err := deploy.ParseAmount(s)
	require.NoError(t, err)
	return a
}

func TestAmounts(t *testing.T) {
	for text, of := range map[string]int{"0": 0, "3": 3, "500": 10, "0%": 0, "5%": 0, "25%": 2, "100%": 10} {
		require.Equal(t, of, amount(t, text).Of(10), text)
	}
	for _, bad := range []string{"", "%", "-1", "+1", "1.5", "101%", "01", "ten", "1 %", "99999999999999999999"} {
		_, err := deploy.ParseAmount(bad)
		require.ErrorIs(t, err, deploy.ErrInvalidPlan, bad)
	}
	require.Equal(t, "25%", amount(t, "25%").String())
	require.Equal(t, "25", amount(t, "25").String())
}

// strategies draws any strategy that can be asked for of so many targets.
func strategies(targets int) *rapid.Generator[deploy.Strategy] {
	return rapid.Custom(func(t *rapid.T) deploy.Strategy {
		amounts := rapid.OneOf(
			rapid.Map(rapid.IntRange(1, 300), func(n int) deploy.Amount { return deploy.Amount{Count: n} }),
			rapid.Map(rapid.IntRange(1, 100), func(n int) deploy.Amount { return deploy.Amount{Percent: n} }),
		)
		s := deploy.Strategy{Kind: rapid.SampledFrom(deploy.StrategyKinds()).Draw(t, "kind")}
		if s.Kind == deploy.Rolling || s.Kind == deploy.Canary && rapid.Bool().Draw(t, "in waves") {
			s.Batch = amounts.Draw(t, "batch")
		}
		if s.Kind == deploy.Canary {
			s.First = amounts.Draw(t, "first")
		}
		if s.Kind == deploy.BlueGreen {
			s.Sets = sets(t, targets)
		}
		return s
	})
}

// sets draws the sets of a deployment or, the other way round, of what takes it
// back.
func sets(t *rapid.T, targets int) []deploy.Set {
	roles := rapid.SampledFrom([][]deploy.Role{
		{deploy.RoleNew, deploy.RoleBalancer, deploy.RoleOld}, {deploy.RoleNew, deploy.RoleBalancer},
		{deploy.RoleBalancer, deploy.RoleNew}, {deploy.RoleNew},
	}).Draw(t, "roles")
	if len(roles) > targets {
		roles = roles[:targets]
	}
	var all []deploy.Set
	for i, role := range roles {
		n := targets
		if left := len(roles) - 1 - i; left > 0 {
			n = rapid.IntRange(1, targets-left).Draw(t, "set")
		}
		all, targets = append(all, deploy.Set{Role: role, Targets: n}), targets-n
	}
	return all
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
		waves := strategies(targets).Draw(t, "strategy").Plan(targets)

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
