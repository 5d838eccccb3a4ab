package foldtest_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

// What the streams do not tell of, the tests on them do not test.
func TestStreamsTellOfEveryEventAndOfEveryState(t *testing.T) {
	types, states := map[contract.Type]bool{}, map[deploy.Subject]map[deploy.State]bool{
		deploy.OfDeployment: {deploy.Accepted: true}, deploy.OfTarget: {deploy.Pending: true, deploy.Running: true},
	}
	retries, reverts := false, 0
	for _, message := range foldtest.Stream(rand.New(rand.NewPCG(1, 1)).IntN, 100, 8) {
		m, err := contract.Decode(message.Data)
		require.NoError(t, err)
		types[m.Type] = true
		switch b := m.Body.(type) {
		case contract.AcceptedEvent:
			retries = retries || b.RetryOf != ""
		case contract.StatusEvent:
			states[deploy.OfDeployment][deploy.State(b.State)] = true
			if b.RolledBackBy != "" {
				reverts++
			}
		case contract.ConcludedEvent:
			if b.RolledBackBy != "" {
				reverts++
			}
			states[deploy.OfDeployment][deploy.State(b.State)] = true
		case contract.JobEndedEvent:
			states[deploy.OfTarget][deploy.State(b.State)] = true
		}
	}
	require.True(t, retries)
	require.Greater(t, reverts, 1, "on the way and at the end")
	for _, typ := range contract.Types() {
		require.Equal(t, strings.HasPrefix(string(typ), "slipway.v1.ev."), types[typ], typ)
	}
	for subject, told := range states {
		require.Len(t, told, len(subject.States()))
		for _, s := range subject.States() {
			require.True(t, told[s], "%s %s", subject, s)
		}
	}
}
