//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMemory ships packages of 20 MB and 200 MB to 50 hosts and measures the most
// memory that the executor, a process of its own for each, holds meanwhile. The baseline
// of the second is the first: what grows with the package has a ratio above 1. Of the first
// there are as many as make as many bytes: what a process holds also grows with how long it
// has been at work, up to a point.
func TestMemory(t *testing.T) {
	wanted(t, "memory")
	i := startInstallation(t)
	build(t, i.dir, map[string]string{"./cmd/slipway-executor": "executor"})
	f := startFleet(t, shipHosts)
	slipway := f.slipway(i.slipway)

	var baseline float64
	for _, s := range []size{large, huge} {
		r := row{"memory", s, roomFor(t, s)}
		to := f.sites[:r.hosts]
		executor := i.service(t, r.name(), "slipway-executor", "--name", "executor",
			"--job-ack-wait", "1m", // on a machine too busy for heartbeats, too, each package is shipped once
			"--seal-private-key-file", i.key, "--cache-dir", filepath.Join(i.dir, "cache"))
		var peaks []float64
		for n := range huge.bytes / s.bytes {
			p := pack(t, r.version("one", n), s, n, 0)
			slipway.prepare(to, p)
			executor.forget()
			slipway.ship(to, p)
			peaks = append(peaks, executor.peak())
			require.NoError(t, f.check(to, slipway.base, p))
			f.clear(to, slipway.base)
		}
		executor.stop()
		peak := slices.Max(peaks)
		note(figure{Name: r.name(), Unit: "MiB", Value: peak, Baseline: baseline, Samples: peaks})
		baseline = peak
	}
}

// roomFor returns how many hosts there is room for with such a package on each,
// twice; up to 50. They have it in memory.
func roomFor(t *testing.T, s size) int {
	t.Helper()
	text, err := os.ReadFile("/proc/meminfo")
	require.NoError(t, err)
	var total, free, available int
	_, err = fmt.Sscanf(string(text), "MemTotal: %d kB\nMemFree: %d kB\nMemAvailable: %d kB", &total, &free, &available)
	require.NoError(t, err)
	return max(1, min(shipHosts, available*1024/(2*s.bytes)))
}
