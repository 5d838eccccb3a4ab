//go:build bench

package bench

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

const (
	// So many slots and so long steps that slots bound what is done, and neither
	// the machine's cores nor its disk.
	replicaSlots = 8
	replicaStep  = 200 * time.Millisecond
	replicaSteps = 4                 // of a deployment on one host
	replicaHosts = 10 * replicaSlots // for each executor
)

// TestReplicas gives 1, 2 and 4 executors as many jobs each, so that the start
// and the end of a deployment weigh alike. The baseline of several is as many
// times what one did in the same round; that of one is what its slots would do
// if nothing but the steps took time.
func TestReplicas(t *testing.T) {
	wanted(t, "replicas")
	i := startInstallation(t)
	counts := []int{1, 2, 4}
	servers := i.addSimulated(4 * replicaHosts)
	units := map[string]string{}
	for _, n := range counts {
		units[replicaRate(n)] = "jobs/s"
	}
	var last measurement
	compare(t, units,
		func(round int) measurement {
			last = measurement{}
			for _, n := range counts {
				version := fmt.Sprintf("%d.%d", round, n)
				i.upload("replicas", version, "replicas.bin", []byte("a package of one file"))
				i.scale(n, replicaSlots, replicaStep)
				hosts, began := n*replicaHosts, time.Now()
				i.succeed(i.order(map[string]any{
					"application": "replicas", "version": version, "servers": servers[:hosts],
					"strategy": map[string]any{"type": "all", "max_parallel": hosts},
				}))
				last[replicaRate(n)] = float64(hosts) / time.Since(began).Seconds()
			}
			return last
		},
		func(int) measurement {
			linear := measurement{replicaRate(1): replicaSlots / (replicaSteps * replicaStep).Seconds()}
			for _, n := range counts[1:] {
				linear[replicaRate(n)] = float64(n) * last[replicaRate(1)]
			}
			return linear
		})
}

func replicaRate(executors int) string { return "replicas." + strconv.Itoa(executors) }
