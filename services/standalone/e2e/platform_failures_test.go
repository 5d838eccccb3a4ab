package e2e

import (
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// errorsOf are the messages of a log that are errors.
func errorsOf(d platformDeployment) []string {
	var all []string
	for _, l := range d.Logs {
		if l.Level == "error" {
			all = append(all, l.Message)
		}
	}
	return all
}

func TestPlatformTellsWhyADeploymentFailed(t *testing.T) {
	t.Parallel()
	d := openDevops(t, 3)
	both := []int{d.server(d.hosts[0]), d.server(d.hosts[1])}

	failed := d.ended(t, d.create(t, map[string]any{"script": "#!/bin/sh\necho almost\nexit 3\n"}).ID, 3)
	require.Equal(t, 3, failed.Executions[0].Status)
	require.Equal(t, "almost\n", failed.Executions[0].Output)
	require.Equal(t, "command_failed: script: the command failed: it ended with status 3\nalmost", failed.Executions[0].Error)
	require.Len(t, errorsOf(failed), 1, "%+v", failed.Logs)

	slow := d.ended(t, d.create(t, map[string]any{"script": "#!/bin/sh\nsleep 600\n", "timeout": 10}).ID, 3)
	require.Contains(t, slow.Executions[0].Error, "deadline_exceeded: ")

	// One server after the other, or all at the same time; what cannot be reached fails by itself.
	serial := d.ended(t, d.create(t, map[string]any{"server_id": nil, "server_ids": both, "execution_mode": "serial", "script": "true", "timeout": "60"}).ID, 2)
	require.Equal(t, []int{serial.Servers[0].ID, serial.Servers[1].ID}, both)
	require.Equal(t, both[0], serial.ServerID)
	require.False(t, serial.Executions[1].StartTime.Before(*serial.Executions[0].EndTime))
	require.Equal(t, []int{serial.ID * 10000, serial.ID*10000 + 1}, []int{serial.Executions[0].ID, serial.Executions[1].ID})

	d.hosts[2].Stop()
	met, err := os.MkdirTemp("/dev/shm", "slipway-") //nolint:usetesting // of /dev alone hosts have the machine's own
	require.NoError(t, err)
	defer os.RemoveAll(met)
	parallel := d.ended(t, d.create(t, map[string]any{
		"server_ids": append(both, d.server(d.hosts[2])), "execution_mode": "parallel", "timeout": 60,
		"script": "mktemp " + met + "/XXXXXX\nuntil [ $(ls " + met + " | wc -l) -eq 2 ]; do sleep 0.05; done", // each waits for the other
	}).ID, 3)
	require.Equal(t, []int{2, 2, 3}, []int{parallel.Executions[0].Status, parallel.Executions[1].Status, parallel.Executions[2].Status})
	require.Contains(t, parallel.Executions[2].Error, "unreachable: ")
	require.Equal(t, []string{parallel.Executions[2].Error}, errorsOf(parallel), "though nothing was said there")

	// A directory that is there already is not touched.
	d.on(t, d.hosts[0], "mkdir -p /opt/old && echo mine >/opt/old/file")
	taken := d.ended(t, d.create(t, map[string]any{"path": "/opt/old"}).ID, 3)
	require.Contains(t, taken.Executions[0].Error, "current_not_link: ")
	require.Equal(t, "mine\n", read(t, d.hosts[0], "/opt/old/file"))

	// A request that is repeated with its key is one deployment.
	again := request{
		method: "POST", path: "/compat/platform/api/deployments", body: d.request(map[string]any{"path": "/opt/once", "script": "echo 1 >>/srv/once"}),
		header: map[string]string{"Idempotency-Key": uniqueKey()},
	}
	first := must[platformDeployment](t, d.client, again, http.StatusCreated)
	require.Equal(t, first, must[platformDeployment](t, d.client, again, http.StatusCreated))
	d.ended(t, first.ID, 2)
	require.Equal(t, "1\n", read(t, d.hosts[0], "/srv/once"))
}
