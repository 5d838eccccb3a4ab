package executor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestWhatAnExecutorDoesIsCounted(t *testing.T) {
	s := newSystem(t)
	seen := s.observed(func(c *Config) { c.Job.Tries, c.Slots = 1, 7 })
	h := hosttest.Start(t, 1)[0]
	target := s.target(h)
	require.Equal(t, map[string]float64{"": 7}, seen.Values("job_slots"))
	require.Equal(t, map[string]float64{"": 1}, seen.Values("nats_connected"))

	p := s.upload("1.0", 10)
	for range 2 {
		require.Equal(t, "succeeded", s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: p}), h.Name).State)
	}
	require.Equal(t, "succeeded", s.await(s.offer(h.Name, contract.RollbackJob{Application: app, Target: target, From: "2.0"}), h.Name).State)
	gone := target
	gone.Port = 1
	require.Equal(t, "failed", s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: gone, Package: p}), h.Name).State)

	// The terminal event comes before the job is counted.
	require.Eventually(t, func() bool { return seen.Values("jobs_in_progress")[""] == 0 }, patience, 5*time.Millisecond)
	require.Equal(t, map[string]float64{"deploy succeeded": 2, "deploy failed": 1, "rollback succeeded": 1}, seen.Values("jobs_total"))
	require.Equal(t, map[string]float64{"deploy": 3, "rollback": 1}, seen.Values("job_duration_seconds"))
	require.Equal(t, map[string]float64{"unreachable": 1}, seen.Values("job_failures_total"))
	steps := seen.Values("step_duration_seconds")
	require.Equal(t, 3., steps["succeeded connect"])
	require.Equal(t, 1., steps["failed connect"])
	require.Equal(t, 2., steps["succeeded stage"])
	require.Equal(t, 3., steps["succeeded switch"])
	connects := seen.Values("ssh_connects_total")
	require.Equal(t, 1., connects["unreachable"])
	require.Equal(t, connects["connected"], seen.Values("ssh_connect_duration_seconds")[""])
	require.Equal(t, 1., connects["connected"], "it is kept for the next job")
	require.Equal(t, map[string]float64{"in_use": 0, "idle": 1}, seen.Values("ssh_connections"))
}
