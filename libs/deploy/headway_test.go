package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func TestHeadwayIsWhereTargetsAre(t *testing.T) {
	var f deploy.Follower
	seen := func(e deploy.Event) deploy.Headway {
		f.Fold(deploy.Record{Event: e})
		return f.Headway
	}
	on := func(n int) deploy.TargetRef { return deploy.TargetRef{Target: n} }
	require.Equal(t, deploy.Headway{State: deploy.Accepted, All: 2}, seen(deploy.WasAccepted{Targets: 2}))
	require.Equal(t, deploy.Running, seen(deploy.WaveBegan{}).State)
	require.Equal(t, map[deploy.Step]int{"connect": 1}, seen(deploy.JobStarted{On: on(0), Step: "connect"}).At)
	require.Equal(t, map[deploy.Step]int{"stage": 1}, seen(deploy.StepChanged{On: on(0), Step: "connect", Next: "stage"}).At)
	require.Equal(t, map[deploy.Step]int{"stage": 2}, seen(deploy.StepChanged{On: on(1), Step: "stage"}).At)
	require.Equal(t, map[deploy.Step]int{"stage": 1, "connect": 1}, seen(deploy.JobStarted{On: on(1), Step: "connect"}).At, "an attempt anew")
	ended := deploy.JobEnded{On: on(0), State: deploy.Succeeded}
	require.Equal(t, 1, seen(ended).Ended)
	require.Equal(t, 1, seen(ended).Ended, "once for all")
	require.Equal(t, map[deploy.Step]int{"connect": 1}, seen(deploy.StepChanged{On: on(0), Step: "clean"}).At)
	require.Equal(t, 2, seen(deploy.JobEnded{On: on(1), State: deploy.Skipped}).Ended)
	require.Equal(t, deploy.Headway{State: deploy.Failed, All: 2, Ended: 2, At: map[deploy.Step]int{}}, seen(deploy.WasConcluded{State: deploy.Failed}))
}
