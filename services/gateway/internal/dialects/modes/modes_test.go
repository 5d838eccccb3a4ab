package modes

import (
	"testing"
	"time"

	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
)

func TestAnIdLeadsToItsDeploymentAndBack(t *testing.T) {
	at := time.Date(2025, 8, 27, 10, 0, 0, 0, time.UTC)
	id := idOf(dialects.ShortOf(at, 0xa1b2c3d4), "uv")
	require.Equal(t, "uv_20250827_100000_a1b2c3d4", id)
	native, mode, ok := nativeOf(id)
	require.True(t, ok)
	require.Equal(t, []string{dialects.ShortOf(at, 0xa1b2c3d4), "uv"}, []string{native, mode})

	made := xid.New().String()
	short := dialects.Short(made)
	require.Equal(t, short, dialects.Short(made), "a repeat finds the same")
	require.NotEqual(t, short, dialects.Short(xid.New().String()))
	native, _, ok = nativeOf(idOf(short, "docker"))
	require.True(t, ok)
	require.Equal(t, short, native)
	require.Empty(t, idOf(made, "uv"), "it was begun natively")
	require.Empty(t, idOf(short, ""))
	for _, wrong := range []string{"", "uv", "uv_20250827_100000_a1b2c3", "k8s_20250827_100000_a1b2c3d4", "uv_20251327_100000_a1b2c3d4", "uv_20250827_100000_A1B2C3D4"} {
		_, _, ok := nativeOf(wrong)
		require.False(t, ok, wrong)
	}
}

func TestProgressRisesToTheEnd(t *testing.T) {
	h := deploy.Headway{State: deploy.Running, All: 2, At: map[deploy.Step]int{}}
	last := reached{"", -1, 0}
	rises := func(h deploy.Headway) reached {
		t.Helper()
		now := reach(h)
		require.NotEmpty(t, now.step)
		require.GreaterOrEqual(t, now.percent, last.percent)
		require.GreaterOrEqual(t, now.stages, last.stages)
		last = now
		return now
	}
	rises(h)
	for _, step := range deploy.KindDeploy.Steps(deploy.Work{Before: true, Prepare: true, During: true, Restart: true, Check: true, After: true}) {
		h.At = map[deploy.Step]int{step: 2}
		require.Equal(t, places[step].name, rises(h).step)
	}
	h.At, h.Ended = map[deploy.Step]int{}, 2
	require.Less(t, rises(h).percent, 100.0)
	failed := h
	failed.State = deploy.Failed
	require.Less(t, reach(failed).percent, 100.0)
	require.Equal(t, "部署失敗", reach(failed).step)
	h.State = deploy.Succeeded
	require.Equal(t, reached{"部署完成", 100, stages}, rises(h))

	apart := deploy.Headway{State: deploy.Running, All: 3, Ended: 1, At: map[deploy.Step]int{deploy.StepPrepare: 1, deploy.StepCheck: 1}}
	require.Equal(t, reached{"安裝依賴", 75, 2}, reach(apart), "that of the server which is least far")
	apart.All = 4
	require.Equal(t, 0, reach(apart).stages, "one has not begun")
	require.Equal(t, reached{"等待批准", 0, 0}, reach(deploy.Headway{State: deploy.AwaitingApproval, All: 1}))
	for _, step := range deploy.Steps() {
		require.NotEmpty(t, places[step].name, step)
	}
}
