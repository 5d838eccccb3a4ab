//go:build bench

package bench

import (
	"fmt"
	"testing"
	"time"
)

const (
	scaleReference = 100
	// scaleLeast is how many hosts are deployed to for one figure at least, in as
	// many deployments as it takes: what a small one costs is below what can be
	// measured.
	scaleLeast = 500
)

// TestScale measures what a host costs in deployments of 10 to 5,000 hosts that
// do no work. The baseline of each figure is the same one at 100 hosts, so that
// a ratio near 1 says that the cost is flat.
func TestScale(t *testing.T) {
	wanted(t, "scale")
	sizes := []int{10, scaleReference, 1000, 5000}
	i := startInstallation(t)
	i.scale(1, fleetSlots, 0)
	servers := i.addSimulated(sizes[len(sizes)-1])
	costs := map[string]string{"wall": "ms", "cpu": "ms", "messages": "", "bytes": "KiB"}
	units := map[string]string{}
	for _, size := range sizes {
		for cost, unit := range costs {
			units[scaleFigure(cost, size)] = unit + " a host"
		}
	}
	var last map[int]measurement
	compare(t, units,
		func(round int) measurement {
			last = map[int]measurement{}
			all := measurement{}
			for _, size := range sizes {
				last[size] = i.costs(servers[:size], round)
				for cost, v := range last[size] {
					all[scaleFigure(cost, size)] = v
				}
			}
			return all
		},
		func(int) measurement {
			reference := measurement{}
			for _, size := range sizes {
				for cost := range costs {
					reference[scaleFigure(cost, size)] = last[scaleReference][cost]
				}
			}
			return reference
		})
}

func scaleFigure(cost string, size int) string { return fmt.Sprintf("scale.%s.%04d", cost, size) }

// costs deploys to the servers, again and again until scaleLeast are reached,
// and returns what each cost: time, the scheduler's CPU, and what the broker was
// sent and sent.
func (i *installation) costs(servers []string, round int) measurement {
	i.t.Helper()
	times := max(1, scaleLeast/len(servers))
	versions := make([]string, times)
	for n := range versions {
		versions[n] = fmt.Sprintf("%d.%d.%d", round, len(servers), n)
		i.upload("scale", versions[n], "scale.bin", []byte("a package of one file"))
	}
	cpu, before, began := i.scheduler.cpu(), i.traffic(), time.Now()
	for _, version := range versions {
		i.deploy("scale", version, servers)
	}
	wall, after := time.Since(began), i.traffic()
	hosts := float64(times * len(servers))
	return measurement{
		"wall": milliseconds(wall) / hosts, "cpu": milliseconds(i.scheduler.cpu()-cpu) / hosts,
		"messages": (after.messages - before.messages) / hosts, "bytes": (after.bytes - before.bytes) / 1024 / hosts,
	}
}
