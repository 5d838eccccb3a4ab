package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestServicesAreShown(t *testing.T) {
	_, s := shipped(t)
	require.Regexp(t, `slipway-executor +r1 +ready +\S+ +1\.2\.0 +worker-3 +default,dmz`, s.run("services").exits(0).out)
	require.Contains(t, s.run("services", "slipway-executor").exits(0).out, "r1")
	out := s.run("services", "slipway-executor", "r1").exits(0).out
	require.Contains(t, out, "answered in 0.4 ms")
	require.Regexp(t, `slipway\.v1\.query\.logs\.dmz +12 +1 +210\.5 ms`, out)
	require.True(t, document[client.ReplicaActivity](s.run("services", "slipway-executor", "r1", "-o", "json").exits(0)).Answers)
	require.Regexp(t, `slipway-history +r0 +lost`, s.run("services", "--events").exits(0).out)
	require.Len(t, document[list[client.ServiceEvent]](s.run("services", "slipway-executor", "--events", "-o", "json").exits(0)).Items, 1)
	require.Equal(t, "slipway-executor", document[list[client.Service]](s.run("services", "-o", "json").exits(0)).Items[0].Name)
	require.NotZero(t, s.run("services", "slipway-executor", "r2").status)
	s.run("services", "a", "b", "c").exits(2)
}

func TestHealthIsShown(t *testing.T) {
	_, s := shipped(t)
	out := s.run("health").exits(0).out
	for _, want := range []string{
		`status +degraded`, `missing +executor: no replica is ready`, `slipway-gateway +2 ready`, `mode uv +available`, `mode docker +unknown`,
		`under way +2, 1 wait; 3 may be`, `machine +CPU 25\.3 %, memory 45\.2 %, disk 60\.1 %`, `since 2025-03-31 +15 deployments: 12 succeeded, .* 2m25\.3s on average`,
	} {
		require.Regexp(t, want, out)
	}
	require.Equal(t, 3, document[client.Health](s.run("health", "-o", "json").exits(0)).Deployments.Limit)
}
