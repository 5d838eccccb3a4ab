package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/dockertest"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

// uvOf is where .ci/deps puts uv.
func uvOf(t *testing.T) string {
	t.Helper()
	uv, err := filepath.Abs("../../../build/uv/bin/uv")
	require.NoError(t, err)
	require.FileExists(t, uv, "make deps")
	return uv
}

func TestModesRunsByDockerUVAndPip(t *testing.T) {
	t.Parallel()
	docker := dockertest.Start(t)
	with := hosttest.Start(t, 1, hosttest.WithEnvironment("DOCKER_HOST="+docker.Host, "PATH="+filepath.Dir(docker.Program())+":/usr/bin:/bin:/usr/sbin:/sbin"))[0]
	without := hosttest.Start(t, 2)[1]
	b := startBot(t, []*hosttest.Host{with}, object{
		"runtime": object{
			"kind": "auto", "python": object{"offline": true, "uv": uvOf(t)}, "docker": object{"network": "host", "settle": "1s"},
		},
		"restart": object{"command": `echo runs >>"$HOME/told"`},
	})
	b.add(t, specOf(without))
	b.native(t, "/v1/projects/roas/stages", object{"name": "bare", "defaults": object{"servers": []string{without.Name}}})
	release := func(version string) {
		b.release(t, version, content{"Dockerfile": dockertest.Plain, "server": string(dockertest.Server(t)), "version": version})
	}
	containers := func() string {
		return strings.TrimSpace(docker.Run("container", "ls", "--filter", "status=running", "--format", `{{.Label "slipway.version"}}`))
	}
	free := object{"environment_variables": object{"LISTEN": fmt.Sprintf("127.0.0.1:%d", proctest.ReservePort(t))}}
	choose := func() string { // as the document does
		managers := b.get(t, "/api/deployment/health")["deployment_managers"].(object)
		for _, mode := range []string{"docker", "uv"} {
			if managers[mode].(object)["status"] == "available" {
				return mode
			}
		}
		return "fallback"
	}
	require.Equal(t, "fallback", choose(), "nothing was met on hosts")

	release("1")
	shown := shownRequest("uv", "")
	maps.Copy(shown["config"].(object)["environment_variables"].(object), free["environment_variables"].(object))
	b.completes(t, b.start(t, shown))
	requireRunsAt(t, with, "1")
	require.FileExists(t, filepath.Join(with.Home, "apps/roas-bot/current/.venv/bin/python"))
	eventually(t, func() bool { return choose() == "uv" }, "uv was met") // executors have a second to say so
	release("2")
	b.completes(t, b.start(t, object{"mode": "fallback", "config": free}))
	require.FileExists(t, filepath.Join(with.Home, "apps/roas-bot/current/.venv/bin/pip"))
	release("3")
	b.completes(t, b.start(t, object{"mode": "docker", "config": free}))
	require.Equal(t, "3", containers())
	eventually(t, func() bool { return choose() == "docker" }, "docker was met")

	// What is built anew is built without the cache, also for a release that runs.
	built := docker.Run("image", "ls", "--quiet", "--filter", "label=slipway.version=3")
	id := b.start(t, object{"mode": "docker", "config": free, "force_rebuild": true})
	b.completes(t, id)
	require.NotEmpty(t, built)
	require.Equal(t, "3", containers())
	require.NotContains(t, mustText(t, b.get(t, "/api/deployments/"+id+"/logs")), "Using cache")

	// auto is docker where there is one, and what else a host has where there is none.
	release("4")
	b.completes(t, b.start(t, object{"mode": "auto", "config": free}))
	require.Equal(t, "4", containers())
	b.completes(t, b.start(t, object{"mode": "auto", "environment": "bare", "config": free}))
	require.FileExists(t, filepath.Join(without.Home, "apps/roas-bot/current/.venv/bin/python"))
	requireRunsAt(t, without, "4")

	// A deployment that fails is tried in another mode, as the document does.
	b.release(t, "5", nil)
	failed := b.monitor(t, b.start(t, object{"mode": "docker", "config": free}))
	require.Equal(t, "failed", failed["status"])
	require.Contains(t, failed["error"], "Dockerfile is not in the release")
	require.Equal(t, "部署失敗", failed["current_step"])
	b.completes(t, b.start(t, object{"mode": "fallback", "config": free}))
	requireRunsAt(t, with, "5")
	health := b.health(t)
	requireForm(t, shownHealth, health)
	for _, name := range []string{"memory_percent", "disk_percent"} {
		read := health["system_resources"].(object)[name]
		require.Greater(t, read, 0.0, name)
		require.Less(t, read, 100.0, name)
	}
	counted := health["statistics"].(object)
	require.Equal(t, []any{8.0, 7.0, 1.0, 0.0}, []any{
		counted["total_deployments"], counted["successful_deployments"], counted["failed_deployments"], counted["cancelled_deployments"],
	})
	require.Greater(t, counted["average_deployment_time"], 0.0)
}

// requireRunsAt holds a host to the version that runs there.
func requireRunsAt(t *testing.T, h *hosttest.Host, version string) {
	t.Helper()
	require.Equal(t, version, runs(t, h, "apps/roas-bot"))
}
