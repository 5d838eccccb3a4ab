package contract_test

import (
	"math"
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
		"the example with a calendar": {golden(t, "cmd.deploy.calendar").Body.(contract.DeployCommand).Policy, deploy.Policy{
			Strategy: deploy.Strategy{
				Kind: deploy.Canary, First: deploy.Amount{Count: 1}, Batch: deploy.Amount{Percent: 50}, Pause: 30 * time.Second,
				MaxParallel: 20, MinHealthy: deploy.Amount{Percent: 80}, Hold: time.Hour,
			},
			Budget: deploy.Budget{
				Batch: &deploy.Amount{Count: 2}, Total: &deploy.Amount{Percent: 5}, Then: deploy.OverrunReverts, SkipUnreachable: true,
			},
			Calendar: &deploy.Calendar{
				Zone: "Europe/Berlin",
				Windows: []deploy.Window{
					{Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday}, From: 22 * 60, To: 6 * 60},
					{Days: []time.Weekday{time.Saturday}, From: 8 * 60, To: 12*60 + 30},
				},
				Except: []string{"2026-12-24"},
			},
			Deadline: 90 * time.Minute, Progress: 10 * time.Minute,
		}},
		"the example of two sets": {golden(t, "cmd.deploy.bluegreen").Body.(contract.DeployCommand).Policy, deploy.Policy{
			Strategy: deploy.Strategy{
				Kind: deploy.BlueGreen, MaxParallel: 20, Hold: 10 * time.Minute, Keep: 10 * time.Minute, Sets: []deploy.Set{
					{Role: deploy.RoleNew, Targets: 2}, {Role: deploy.RoleBalancer, Targets: 1}, {Role: deploy.RoleOld, Targets: 2},
				},
			},
			Budget: deploy.Budget{Then: deploy.OverrunReverts},
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
		"an unknown strategy":         {strategy(contract.Strategy{Type: "redBlack"}), []string{"redBlack"}},
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
		"an unknown consequence":      {failures(contract.Failures{Then: "explode"}), []string{"explode"}},
		"less than no time":           {strategy(contract.Strategy{Pause: -1, Hold: -2}), []string{"pause of -1", "hold of -2"}},
		"deadlines in the past":       {contract.Policy{Deadline: -3, Progress: -4}, []string{"deadline of -3", "progress of -4"}},
		"limits below nothing":        {contract.Policy{Limits: &contract.JobLimits{Host: -5, Step: -6}}, []string{"host limit of -5", "step limit of -6"}},
		"more time than there is":     {contract.Policy{Deadline: math.MaxInt64}, []string{"deadline of 9223372036854775807"}},
		"measured without a pause":    {strategy(contract.Strategy{Analysis: &contract.Analysis{Successes: 1}}), []string{"interval of 0"}},
		"measured for ever":           {strategy(contract.Strategy{Analysis: &contract.Analysis{Successes: 1, Interval: math.MaxInt64}}), []string{"interval of 9223372036854775807"}},
		"judged by no measurement":    {strategy(contract.Strategy{Analysis: &contract.Analysis{Interval: 1}}), []string{"analysis of 0"}},
		"a day that is none": {
			contract.Policy{Calendar: &contract.Calendar{Windows: []contract.Window{{Days: []string{"monday"}, From: "08:00", To: "09:00"}}}},
			[]string{"monday"},
		},
		"several at once": {
			contract.Policy{
				Strategy: contract.Strategy{Type: "blue", First: "one", Pause: -1},
				Failures: contract.Failures{Batch: "two", Total: "three", Then: "four"},
				Calendar: &contract.Calendar{Windows: []contract.Window{{From: "five", To: "06:00"}}},
			},
			[]string{"blue", "one", "two", "three", "four", "five", "pause of -1"},
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

func TestACalendarConvertsIntoTheDomain(t *testing.T) {
	got, err := contract.Calendar{Zone: "UTC"}.Domain()
	require.NoError(t, err)
	require.Equal(t, &deploy.Calendar{Zone: "UTC"}, got)

	got, err = contract.Calendar{
		Zone: "Asia/Tokyo", Windows: []contract.Window{{Days: contract.Weekdays(), From: "00:00", To: "23:59"}, {From: "23:59", To: "00:00"}},
		Except: []string{"2026-12-24", "2026-12-25"},
	}.Domain()
	require.NoError(t, err)
	require.Equal(t, &deploy.Calendar{
		Zone: "Asia/Tokyo",
		Windows: []deploy.Window{
			{Days: []time.Weekday{1, 2, 3, 4, 5, 6, 0}, From: 0, To: 1439},
			{From: 1439, To: 0},
		},
		Except: []string{"2026-12-24", "2026-12-25"},
	}, got)

	for name, w := range map[string]contract.Window{
		"no day":       {Days: []string{"mon", "Tue"}, From: "08:00", To: "09:00"},
		"no beginning": {From: "", To: "09:00"},
		"no end":       {From: "08:00", To: "24:00"},
	} {
		_, err := contract.Calendar{Windows: []contract.Window{w}}.Domain()
		require.ErrorIs(t, err, deploy.ErrInvalidPlan, name)
	}
}

func TestATimeOfDayIsAMinute(t *testing.T) {
	for text, want := range map[string]int{"00:00": 0, "00:01": 1, "06:30": 390, "22:00": 1320, "23:59": 1439} {
		got, err := contract.Minute(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "6:30", "06:3", "24:00", "23:60", "06:30:00", "0630", "06.30", " 06:30", "-6:30", "06:30pm", "noon"} {
		_, err := contract.Minute(text)
		require.ErrorIs(t, err, deploy.ErrInvalidPlan, "%q", text)
		require.ErrorContains(t, err, "22:00", "it says what one looks like")
	}
}
