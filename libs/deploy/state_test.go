package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

var states = []deploy.State{
	deploy.Accepted, deploy.Pending, deploy.Running, deploy.Succeeded, deploy.Failed, deploy.Skipped,
}

// allowed is the state table as a reader would write it down; what is not here
// must be refused.
var allowed = map[deploy.Subject][]string{
	deploy.OfDeployment: {
		"accepted running", "accepted failed",
		"running succeeded", "running failed",
	},
	deploy.OfTarget: {
		"pending running", "pending failed", "pending skipped",
		"running running", "running succeeded", "running failed",
	},
	deploy.OfStep: {
		"running running", "running succeeded", "running failed", "running skipped",
	},
}

func TestOnlyTheStateTableIsAllowed(t *testing.T) {
	for subject, pairs := range allowed {
		for _, from := range states {
			for _, to := range states {
				pair := string(from + " " + to)
				t.Run(string(subject)+" "+pair, func(t *testing.T) {
					if subject.CanFollow(from, to) {
						require.Contains(t, pairs, pair)
					} else {
						require.NotContains(t, pairs, pair)
					}
				})
			}
		}
	}
}

func TestNothingFollowsATerminalState(t *testing.T) {
	for _, s := range states {
		for subject := range allowed {
			for _, next := range states {
				if s.Terminal() {
					require.False(t, subject.CanFollow(s, next), "%s: %s → %s", subject, s, next)
				}
			}
		}
	}
	require.True(t, deploy.Succeeded.Terminal())
	require.True(t, deploy.Failed.Terminal())
	require.True(t, deploy.Skipped.Terminal())
	require.False(t, deploy.Accepted.Terminal())
	require.False(t, deploy.Pending.Terminal())
	require.False(t, deploy.Running.Terminal())
	require.False(t, deploy.State("").Terminal())
}

func TestAnythingMayComeFirst(t *testing.T) {
	for subject := range allowed {
		for _, s := range states {
			require.True(t, subject.CanFollow("", s))
		}
	}
}

func TestStepsRunInTheOrderOfTheirPhases(t *testing.T) {
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepStage, deploy.StepSwitch, deploy.StepClean},
		deploy.KindDeploy.Steps())
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepSwitch, deploy.StepClean},
		deploy.KindRollback.Steps())
	order := map[deploy.Phase]int{deploy.Pre: 0, deploy.Main: 1, deploy.Post: 2}
	for _, kind := range []deploy.Kind{deploy.KindDeploy, deploy.KindRollback} {
		at := 0
		for _, s := range kind.Steps() {
			require.GreaterOrEqual(t, order[s.Phase()], at, "%s of a %s", s, kind)
			at = order[s.Phase()]
		}
	}
}
