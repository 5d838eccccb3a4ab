package hosttest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestHostsWithRootsOfTheirOwnSeeNothingOfEachOther(t *testing.T) {
	hosts := Start(t, 2, WithRoot())
	for _, h := range hosts {
		client := login(t, h, keyLogin(t, h))
		require.Equal(t, "/root\n", output(t, client, `cd && pwd`))
		require.Equal(t, h.Name+"\n", output(t, client, `uname -n`))
		require.Equal(t, ".\n..\n", output(t, client, `ls -a /root`), "a new home is empty")
		require.Equal(t, "none\n", output(t, client, `cat /etc/of-this-host /srv/file 2>/dev/null || echo none`))
		output(t, client, `echo `+h.Name+` | tee /etc/of-this-host /srv/file /tmp/file /root/file`)
	}
	for _, h := range hosts {
		for _, path := range []string{"/etc/of-this-host", "/srv/file", "/tmp/file", "/root/file"} {
			content, err := os.ReadFile(h.Outside(path))
			require.NoError(t, err)
			require.Equal(t, h.Name+"\n", string(content), path)
			require.NoFileExists(t, path, "of the machine")
		}
	}
}

func TestStoppingAHostWithARootOfItsOwnEndsAllThatRunsThere(t *testing.T) {
	hosts := Start(t, 2, WithRoot())
	h := hosts[0]
	client := login(t, h, keyLogin(t, h))
	startSleep(t, h, client)
	other := login(t, hosts[1], keyLogin(t, hosts[1]))

	h.Freeze()
	h.Thaw()
	h.KillSessions()
	require.NotContains(t, processesOf(t, h), "sleep")
	require.Error(t, client.Wait(), "the connection is gone")

	startSleep(t, h, login(t, h, keyLogin(t, h)))
	h.Stop()
	require.Equal(t, "still here\n", output(t, other, "echo still here"))
	h.Start()
	require.Equal(t, "/root\n", output(t, login(t, h, keyLogin(t, h)), `pwd`))
}

// startSleep leaves an orphan behind on the host.
func startSleep(t *testing.T, h *Host, client *ssh.Client) {
	t.Helper()
	output(t, client, `nohup sleep 1000 >/dev/null 2>&1 & echo`)
	sleeps := func() bool { return slices.Contains(processesOf(t, h), "sleep") }
	require.Eventually(t, sleeps, patience, pollEvery)
}

// processesOf returns the names of the living processes on the host. One that was killed stays, dead, until sshd, the
// parent of all orphans there, has taken note.
func processesOf(t *testing.T, h *Host) []string {
	t.Helper()
	files, err := filepath.Glob(h.Outside("/proc/[0-9]*/stat"))
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		var (
			pid         int
			name, state string
		)
		_, err = fmt.Sscanf(string(stat), "%d %s %s", &pid, &name, &state)
		require.NoError(t, err)
		if state != "Z" && state != "X" {
			names = append(names, strings.Trim(name, "()"))
		}
	}
	return names
}

func TestTimeOfAllThatRunsOnAHostIsCountedInItsCgroup(t *testing.T) {
	cgroups := t.TempDir()
	require.NoError(t, syscall.Mount("none", cgroups, "cgroup2", 0, ""))
	t.Cleanup(func() { _ = syscall.Unmount(cgroups, syscall.MNT_DETACH) })
	group, err := os.MkdirTemp(cgroups, "hosttest-") //nolint:usetesting // a cgroup of its own, not a directory
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.Remove(group) }) // after the hosts, whose cleanup runs before

	h := Start(t, 1, WithRoot(), WithCgroup(group))[0]
	before := cpuTime(t, group)
	output(t, login(t, h, keyLogin(t, h)), `i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done`)
	require.Greater(t, cpuTime(t, group)-before, 10_000, "microseconds, of a shell that has ended")
}

// cpuTime is what the processes of the cgroup have used, in microseconds.
func cpuTime(t *testing.T, group string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(group, "cpu.stat"))
	require.NoError(t, err)
	var used int
	_, err = fmt.Sscanf(string(text), "usage_usec %d", &used)
	require.NoError(t, err)
	return used
}
