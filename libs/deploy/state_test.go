package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

var states = []deploy.State{
	deploy.Accepted, deploy.AwaitingApproval, deploy.Scheduled, deploy.Waiting, deploy.Pending, deploy.Running, deploy.Paused,
	deploy.Holding, deploy.Analyzing, deploy.Halting, deploy.Reverting, deploy.Succeeded, deploy.Failed, deploy.Skipped, deploy.Cancelled, deploy.Rejected,
}

// allowed is the state table as a reader would write it down; what is not here
// must be refused.
var allowed = map[deploy.Subject][]string{
	deploy.OfDeployment: {
		"accepted awaiting_approval", "accepted scheduled", "accepted waiting", "accepted running", "accepted paused",
		"accepted stopping", "accepted failed",
		"awaiting_approval scheduled", "awaiting_approval waiting", "awaiting_approval running", "awaiting_approval paused",
		"awaiting_approval stopping", "awaiting_approval failed",
		"scheduled waiting", "scheduled running", "scheduled paused", "scheduled stopping", "scheduled failed",
		"waiting scheduled", "waiting running", "waiting paused", "waiting stopping", "waiting failed",
		"running running", "running paused", "running holding", "running analyzing", "running stopping", "running succeeded",
		"running failed",
		"paused awaiting_approval", "paused scheduled", "paused waiting", "paused running", "paused holding", "paused analyzing",
		"paused stopping", "paused succeeded", "paused failed",
		"holding running", "holding paused", "holding stopping", "holding succeeded", "holding failed",
		"analyzing analyzing", "analyzing holding", "analyzing running", "analyzing paused", "analyzing stopping", "analyzing failed",
		"stopping reverting", "stopping succeeded", "stopping failed", "stopping cancelled", "stopping rejected",
		"reverting failed",
	},
	deploy.OfTarget: {
		"pending running", "pending failed", "pending skipped", "pending cancelled",
		"running running", "running succeeded", "running failed", "running cancelled",
	},
	deploy.OfStep: {
		"running running", "running succeeded", "running failed", "running skipped", "running cancelled",
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

func TestNothingFollowsATerminalStateAndSomethingEveryOther(t *testing.T) {
	for subject := range allowed {
		for _, s := range states {
			for _, next := range states {
				if s.Terminal() {
					require.False(t, subject.CanFollow(s, next), "%s: %s → %s", subject, s, next)
				}
			}
		}
		left := map[deploy.State]bool{}
		for _, row := range subject.Transitions() {
			left[row.From] = left[row.From] || row.To != row.From
		}
		for _, s := range subject.States() {
			require.Equal(t, !s.Terminal(), left[s], "%s: %s ends it, or something follows", subject, s)
		}
	}
	for _, s := range []deploy.State{deploy.Succeeded, deploy.Failed, deploy.Skipped, deploy.Cancelled, deploy.Rejected} {
		require.True(t, s.Terminal(), s)
	}
	for _, s := range []deploy.State{
		"", deploy.Accepted, deploy.AwaitingApproval, deploy.Scheduled, deploy.Waiting, deploy.Pending, deploy.Running,
		deploy.Paused, deploy.Holding, deploy.Analyzing, deploy.Halting, deploy.Reverting,
	} {
		require.False(t, s.Terminal(), "%q", s)
	}
}

func TestEveryStateIsReachedFromTheStart(t *testing.T) {
	for _, subject := range deploy.Subjects() {
		reached := map[deploy.State]bool{subject.Start(): true}
		for range states {
			for _, row := range subject.Transitions() {
				reached[row.To] = reached[row.To] || reached[row.From]
			}
		}
		require.Len(t, reached, len(subject.States()))
		for _, s := range subject.States() {
			require.True(t, reached[s], "%s: %s", subject, s)
		}
	}
}

func TestTheListedTransitionsAreTheTable(t *testing.T) {
	used := map[deploy.State]bool{}
	for _, subject := range deploy.Subjects() {
		var rows []string
		for _, row := range subject.Transitions() {
			rows = append(rows, string(row.From+" "+row.To))
		}
		require.ElementsMatch(t, allowed[subject], rows)
		for _, s := range subject.States() {
			used[s] = true
		}
	}
	require.Len(t, deploy.Subjects(), len(allowed))
	require.Len(t, used, len(states), "a state that no table names is listed nowhere")
}

func TestAnythingMayComeFirst(t *testing.T) {
	for subject := range allowed {
		for _, s := range states {
			require.True(t, subject.CanFollow("", s))
		}
	}
}

// everything is the work of an application that needs every step there is.
var everything = deploy.Work{Before: true, During: true, After: true, Prepare: true, Restart: true, Check: true}

func TestStepsRunInTheOrderOfTheirPhases(t *testing.T) {
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepStage, deploy.StepSwitch, deploy.StepClean},
		deploy.KindDeploy.Steps(deploy.Work{}))
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepSwitch, deploy.StepClean},
		deploy.KindRollback.Steps(deploy.Work{}))
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepTraffic}, deploy.KindDeploy.On(deploy.RoleBalancer).Steps(everything))
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepRetire}, deploy.KindDeploy.On(deploy.RoleOld).Steps(everything))
	require.Equal(t, []deploy.Step{
		deploy.StepConnect, deploy.StepBefore, deploy.StepStage, deploy.StepPrepare, deploy.StepSwitch, deploy.StepDuring,
		deploy.StepRestart, deploy.StepCheck, deploy.StepAfter, deploy.StepClean,
	}, deploy.KindDeploy.Steps(everything))
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepSwitch, deploy.StepRestart, deploy.StepClean},
		deploy.KindRollback.Steps(deploy.Work{Restart: true}))
	require.Equal(t, []deploy.Step{deploy.StepConnect, deploy.StepPrepare, deploy.StepSwitch, deploy.StepClean},
		deploy.KindRollback.Steps(deploy.Work{Prepare: true}))
	require.NotContains(t, deploy.KindRollback.Steps(everything), deploy.StepStage)
	require.Equal(t, deploy.KindRollback, deploy.KindRollback.On(deploy.RoleNew))
	order := map[deploy.Phase]int{deploy.Pre: 0, deploy.Main: 1, deploy.Post: 2}
	for _, kind := range []deploy.Kind{deploy.KindDeploy, deploy.KindRollback, deploy.KindInit, deploy.KindTraffic, deploy.KindRetire} {
		at := 0
		for _, s := range kind.Steps(everything) {
			require.GreaterOrEqual(t, order[s.Phase()], at, "%s of a %s", s, kind)
			at = order[s.Phase()]
		}
	}
}
