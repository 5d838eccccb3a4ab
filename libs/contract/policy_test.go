package contract_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestAPolicyConvertsIntoTheDomain(t *testing.T) {
	start := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	expires := moment(t, "2026-11-21T10:15:03.218764511Z")
	cases := map[string]struct {
		policy contract.Policy
		want   deploy.Policy
	}{
		// Commands from before there were policies have none: all hosts at once.
		"nothing": {contract.Policy{}, deploy.Policy{Strategy: deploy.Strategy{Kind: deploy.AllAtOnce}}},
		"the minimal example": {
			golden(t, "cmd.deploy.minimal").Body.(contract.DeployCommand).Policy,
			deploy.Policy{Strategy: deploy.Strategy{Kind: deploy.AllAtOnce}},
		},
		"the full example": {golden(t, "cmd.deploy").Body.(contract.DeployCommand).Policy, deploy.Policy{
			Strategy: deploy.Strategy{
				Kind: deploy.Canary, First: deploy.Amount{Count: 1}, Batch: deploy.Amount{Percent: 50}, Pause: 30 * time.Second,
				MaxParallel: 20, MinHealthy: deploy.Amount{Percent: 80}, Hold: time.Hour,
			},
			Budget: deploy.Budget{
				Batch: &deploy.Amount{Count: 2}, Total: &deploy.Amount{Percent: 5}, Then: deploy.OverrunPauses, SkipUnreachable: true,
			},
			Approval: &deploy.Approval{
				Digest: "05a9c1d0e66b1f1cc0f2b0ce6f2c8b14d2c1a6a0b3a1f6a2f1b7c5f9e8d7c6b5", NotRequester: true, Expires: expires,
			},
			StartAt: start, Deadline: 90 * time.Minute,
		}},
		// To allow none is not to say nothing.
		"no failure": {
			contract.Policy{Failures: contract.Failures{Batch: "0", Total: "0%"}},
			deploy.Policy{
				Strategy: deploy.Strategy{Kind: deploy.AllAtOnce},
				Budget:   deploy.Budget{Batch: &deploy.Amount{}, Total: &deploy.Amount{}},
			},
		},
		"all of them": {
			contract.Policy{Strategy: contract.Strategy{Type: "rolling", Batch: "100%"}},
			deploy.Policy{Strategy: deploy.Strategy{Kind: deploy.Rolling, Batch: deploy.Amount{Percent: 100}}},
		},
		"a millisecond": {
			contract.Policy{Strategy: contract.Strategy{Type: "serial", Pause: 1}, Deadline: 1},
			deploy.Policy{Strategy: deploy.Strategy{Kind: deploy.Serial, Pause: time.Millisecond}, Deadline: time.Millisecond},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.policy.Domain()
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestEveryStrategyOfTheDomainCanBeAskedFor(t *testing.T) {
	for _, kind := range deploy.StrategyKinds() {
		got, err := contract.Policy{Strategy: contract.Strategy{Type: string(kind)}}.Domain()
		require.NoError(t, err)
		require.Equal(t, kind, got.Strategy.Kind)
	}
}

func TestAPolicyThatCannotBeCarriedOutDoesNotConvert(t *testing.T) {
	strategy := func(s contract.Strategy) contract.Policy { return contract.Policy{Strategy: s} }
	failures := func(f contract.Failures) contract.Policy { return contract.Policy{Failures: f} }
	cases := map[string]struct {
		policy contract.Policy
		named  []string // what the error shows
	}{
		"an unknown strategy":         {strategy(contract.Strategy{Type: "blueGreen"}), []string{"blueGreen"}},
		"a strategy by another case":  {strategy(contract.Strategy{Type: "Serial"}), []string{"Serial"}},
		"a word for a number":         {strategy(contract.Strategy{Batch: "half"}), []string{"half"}},
		"a fraction":                  {strategy(contract.Strategy{First: "0.5"}), []string{"0.5"}},
		"less than none":              {strategy(contract.Strategy{MinHealthy: "-1"}), []string{"-1"}},
		"less than none percent":      {failures(contract.Failures{Batch: "-1%"}), []string{"-1%"}},
		"more than all":               {failures(contract.Failures{Total: "101%"}), []string{"101%"}},
		"a percent sign alone":        {failures(contract.Failures{Total: "%"}), []string{`"%"`}},
		"two percent signs":           {failures(contract.Failures{Total: "5%%"}), []string{"5%%"}},
		"a space":                     {strategy(contract.Strategy{Batch: "5 %"}), []string{"5 %"}},
		"a sign":                      {strategy(contract.Strategy{Batch: "+5"}), []string{"+5"}},
		"a leading zero":              {strategy(contract.Strategy{Batch: "05"}), []string{"05"}},
		"more than a number can hold": {strategy(contract.Strategy{Batch: "99999999999999999999"}), []string{"99999999999999999999"}},
		"several at once": {
			contract.Policy{Strategy: contract.Strategy{First: "one"}, Failures: contract.Failures{Batch: "two", Total: "three"}},
			[]string{"one", "two", "three"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := c.policy.Domain()
			require.ErrorIs(t, err, deploy.ErrInvalidPlan)
			for _, part := range c.named {
				require.ErrorContains(t, err, part)
			}
		})
	}
}
