//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cgroups are the places where the CPU time of processes is counted apart, with
// that of processes which have ended.
type cgroups struct{ dir string }

// mountCgroups needs root.
func mountCgroups(t *testing.T) cgroups {
	t.Helper()
	c := cgroups{dir: t.TempDir()}
	require.NoError(t, syscall.Mount("none", c.dir, "cgroup2", 0, ""), "CPU time is counted by cgroup v2: run this as root")
	t.Cleanup(func() { _ = syscall.Unmount(c.dir, syscall.MNT_DETACH) })
	return c
}

// cgroup is a directory of cgroup v2.
type cgroup string

func (c cgroups) add(t *testing.T, name string) cgroup {
	t.Helper()
	group := cgroup(filepath.Join(c.dir, fmt.Sprintf("slipway-bench-%d-%s", os.Getpid(), name)))
	require.NoError(t, os.Mkdir(string(group), 0o755))
	t.Cleanup(func() {
		group.end(t)
		require.NoError(t, os.Remove(string(group)))
	})
	return group
}

// cpu is the time that the processes of the cgroup have had on any core.
func (c cgroup) cpu(t *testing.T) time.Duration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(string(c), "cpu.stat"))
	require.NoError(t, err)
	var used int64
	_, err = fmt.Sscanf(string(text), "usage_usec %d", &used)
	require.NoError(t, err)
	return time.Duration(used) * time.Microsecond
}

// end kills what still runs in it, and returns when nothing does. It does so by
// hand: after a write to cgroup.kill, Linux 6.18 also kills what is started there
// later.
func (c cgroup) end(t *testing.T) {
	t.Helper()
	eventually(t, func() bool {
		left, err := os.ReadFile(filepath.Join(string(c), "cgroup.procs"))
		require.NoError(t, err)
		for line := range strings.Lines(string(left)) {
			pid, err := strconv.Atoi(strings.TrimSpace(line))
			require.NoError(t, err)
			_ = syscall.Kill(pid, syscall.SIGKILL) // fails only if it has ended
		}
		return len(left) == 0
	}, func() string { return string(c) + " does not end" })
}

// ownCPU is the time that this process has had, with Slipway in it.
func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
