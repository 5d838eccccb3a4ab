//go:build bench

package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
	"github.com/slipway-deploy/slipway/services/history/internal/fold/foldtest"
)

const (
	batch  = 2000 // as a follower folds while there is much to make good
	rounds = 3
)

var (
	hostsADeployment   = []int{10, 1000, 5000}
	deploymentsPresent = []int{100, 10_000, 100_000}
)

// measured is what it took to fold the events of a round.
type measured struct {
	rate      float64 // events a second
	ceiling   float64 // and how many that had been, if what follows from them had only to be written; 0: not known
	cpu       float64 // on any core, in all processes, µs an event, without collector
	collector float64 // CPU of Go's collector here, µs an event
}

// contender is what is compared with others of its kind.
type contender struct {
	name string
	fold func(t *testing.T, round int) measured
}

// compete has all fold in turns, so that what else the machine does meets all alike, and
// notes the best round of each. What an event costs is to be the same for all: spread is
// how much more the dearest one takes of the processors.
func compete(t *testing.T, name string, all []contender) {
	t.Helper()
	best := make([]measured, len(all))
	for round := range rounds {
		for i, c := range all {
			m, b := c.fold(t, round), &best[i]
			b.rate, b.ceiling = max(b.rate, m.rate), max(b.ceiling, m.ceiling)
			if round == 0 || m.cpu < b.cpu {
				b.cpu, b.collector = m.cpu, m.collector
			}
		}
	}
	cheapest, dearest := best[0].cpu, best[0].cpu
	for i, c := range all {
		figure(t, c.name, best[i].rate, "events/s", best[i].ceiling)
		figure(t, c.name+".cpu", 1000*best[i].cpu, "ns/event", 0)
		figure(t, c.name+".collector", 1000*best[i].collector, "ns/event", 0)
		cheapest, dearest = min(cheapest, best[i].cpu), max(dearest, best[i].cpu)
	}
	figure(t, name+".spread", 100*(dearest/cheapest-1), "%", 0)
}

// foldAll decodes and folds as a follower does that has much to make good. cpu is the time
// of the store, if that is another process.
func foldAll(t *testing.T, s fold.Store, cpu func() time.Duration, work fleet) measured {
	t.Helper()
	runtime.GC() // what made the events is not what folds them
	own := func() time.Duration {
		used, err := proctest.CPU(os.Getpid())
		require.NoError(t, err)
		return used
	}
	f := fold.NewFolder(s, "bench", zerolog.Nop())
	began, used, collected := time.Now(), own()+cpu(), collector()
	for first := 0; first < len(work.messages); first += batch {
		require.NoError(t, f.Gather(t.Context(), work.decode(first, batch)))
		if f.Full() {
			require.NoError(t, f.Place(t.Context()))
		}
	}
	require.NoError(t, f.Place(t.Context()))
	took, events := time.Since(began), float64(len(work.messages))
	collected = collector() - collected
	return measured{
		rate: events / took.Seconds(), collector: float64(collected.Microseconds()) / events,
		cpu: float64((own() + cpu() - used - collected).Microseconds()) / events,
	}
}

// collector is the CPU time that Go's collector has used. It walks all that a store in memory
// holds, on cores that are free: no cost of the fold, whose stores are other processes.
func collector() time.Duration {
	all := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(all)
	return time.Duration(all[0].Value.Float64() * float64(time.Second))
}

// TestFoldAlone folds into memory, which leaves the fold's own limit.
func TestFoldAlone(t *testing.T) {
	wanted(t, "fold.memory")
	var all []contender
	for _, hosts := range hostsADeployment {
		all = append(all, intoMemory(fmt.Sprintf("%d_hosts", hosts), 10_000, 20_000/hosts, hosts))
	}
	compete(t, "fold.memory.hosts", all)
	all = nil
	for _, there := range deploymentsPresent {
		all = append(all, intoMemory(fmt.Sprintf("%d_deployments", there), there, 2000, 10))
	}
	compete(t, "fold.memory.deployments", all)
}

// intoMemory folds deployments of so many hosts into a store in memory in which so many
// deployments are.
func intoMemory(name string, there, deployments, hosts int) contender {
	return contender{"fold.memory." + name, func(t *testing.T, round int) measured {
		t.Helper()
		s := foldtest.NewMemory()
		known(t, s, there)
		return foldAll(t, s, func() time.Duration { return 0 }, newFleet(round, deployments, hosts))
	}}
}

// TestFoldEmbedded folds into the embedded store. The ceiling is the same documents
// written in bulk, with nothing read, decoded or folded.
func TestFoldEmbedded(t *testing.T) {
	wanted(t, "fold.embedded")
	var all []contender
	for _, hosts := range hostsADeployment {
		all = append(all, intoEmbedded(t, fmt.Sprintf("%d_hosts", hosts), 0, 5000/hosts, hosts))
	}
	compete(t, "fold.embedded.hosts", all)
	all = nil
	for _, there := range deploymentsPresent {
		all = append(all, intoEmbedded(t, fmt.Sprintf("%d_deployments", there), there, 300, 10))
	}
	compete(t, "fold.embedded.deployments", all)
}

// intoEmbedded folds deployments of so many hosts into an embedded store in which so many
// deployments are.
func intoEmbedded(t *testing.T, name string, there, deployments, hosts int) contender {
	t.Helper()
	s, cpu := embedded(t)
	known(t, s, there)
	name = "fold.embedded." + name
	return contender{name, func(t *testing.T, round int) measured {
		t.Helper()
		work, r := newFleet(round, deployments, hosts), &recorder{Store: s}
		m := foldAll(t, r, cpu, work)
		events := float64(len(work.messages))
		m.ceiling = events / r.ceiling(t).Seconds()
		if round == 0 {
			figure(t, name+".bytes", float64(r.size(t))/events, "bytes/event", 0)
		}
		return m
	}}
}
