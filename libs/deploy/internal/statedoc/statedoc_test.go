package statedoc

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestEveryStateAndEveryCauseIsExplained(t *testing.T) {
	used := map[deploy.State]bool{}
	for _, subject := range deploy.Subjects() {
		for _, s := range subject.States() {
			used[s] = true
			require.NotEmpty(t, states[s], s)
		}
	}
	require.Len(t, states, len(used))
	require.Len(t, causes, len(deploy.Causes()))
	for _, c := range deploy.Causes() {
		require.NotEmpty(t, causes[c].meaning, c)
		require.NotEmpty(t, causes[c].with, c)
		requireOfDeployment(t, causes[c].with...)
	}
}

// The list is that of the document that the dialect follows.
func TestEveryStatusOfSourcedeployIsReadFromAState(t *testing.T) {
	var statuses []string
	for _, s := range sourcedeploy {
		statuses = append(statuses, s.status)
		requireOfDeployment(t, s.state)
		if s.cause != "" {
			require.Contains(t, causes[s.cause].with, s.state, s.status)
		}
	}
	require.Equal(t, []string{
		"success", "fail", "inprogress", "pending", "reject", "canceling", "canceled", "waiting", "error",
		"canary_pending", "canary_reject", "canary_analyzing", "canary_waiting_timeout", "canary_rejecting",
	}, statuses)
}

func requireOfDeployment(t *testing.T, states ...deploy.State) {
	t.Helper()
	for _, s := range states {
		require.True(t, slices.Contains(deploy.OfDeployment.States(), s), s)
	}
}
