package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/services/standalone/chaos"
)

var (
	chaosDuration = flag.Duration("chaos.duration", time.Minute, "how long processes are killed and frozen for")
	chaosSeed     = flag.Uint64("chaos.seed", 0, "that all choices follow from; 0: one of chance")
)

const (
	chaosHosts    = 60
	chaosFrail    = 6
	chaosVersions = 12
	// chaosEvery is the time of faults for each deployment: 200 in five minutes.
	chaosEvery = 1500 * time.Millisecond
	// chaosRate is how much a slow line carries, in bytes a second. A third of the hosts have one.
	chaosRate = 100 << 10
	// chaosRest bounds the time that what was ordered takes to end once all processes run again. The embedded store reads a
	// whole collection for each write that two histories could make (store.Config.SingleWriter in history says why), so on a
	// busy machine documents, and the people who wait for them, may be minutes behind.
	chaosRest = 10 * time.Minute
	// chaosLook is the pause between two looks at the link of a host: there are sixty, and little processor time.
	chaosLook = 10 * time.Millisecond
)

// chaosRun is one carrying out of a script.
type chaosRun struct {
	*fleet
	t      *testing.T
	script chaos.Script
	hosts  []*hosttest.Host
	names  []string // of the servers, in the order of the hosts
	ids    []string // of the same

	began    time.Time
	timeline *timeline

	mu       sync.Mutex
	requests []*chaos.Request
	odd      []chaos.Breach // answers that must not be
}

// TestNothingIsLostDoubledOrBrokenInChaos kills, freezes and restarts every process of an installation while deployments of
// every kind go to sixty hosts, of which some break down, and then judges what all witnesses say. `make chaos` runs it for
// longer.
func TestNothingIsLostDoubledOrBrokenInChaos(t *testing.T) {
	t.Parallel()
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("chaos for %v: make chaos DURATION=%v SEED=%d", *chaosDuration, *chaosDuration, seed)
	r := newChaosRun(t, seed)
	stopWatching := startWatching(t, r.hosts, chaosLook)
	r.carryOut()
	r.settle()
	r.pronounce(r.evidence(stopWatching()))
}

func newChaosRun(t *testing.T, seed uint64) *chaosRun {
	t.Helper()
	dir := keptOnFailure(t)
	size := chaos.Size{
		Duration: *chaosDuration, Deployments: int(*chaosDuration / chaosEvery), Versions: chaosVersions,
		Hosts: chaosHosts, Frail: chaosFrail, Gateways: 2, Broker: "nats",
		Workers: []string{
			"gateway-1", "gateway-2", "scheduler-1", "scheduler-2", "history-1", "history-2",
			"executor-1", "executor-2", "executor-3", "executor-4", "executor-1", "executor-2", "executor-3", "executor-4",
		},
	}
	r := &chaosRun{t: t, script: chaos.NewScript(seed, size), timeline: newTimeline(t, dir)}
	r.timeline.add("seed %d, duration %v", seed, *chaosDuration)
	r.fleet = startFleet(t, fleetSize{
		gateways: 2, schedulers: 2, histories: 2, executors: 4, dir: dir, syncAlways: true, anyStore: true,
		schedulerFlags: []string{"--limits-per-project", "20"}, // so that some wait for their turn
		// However often a job is cut short, it is not to fail for that.
		flags: []string{"--job-max-attempts=1000"},
	})
	forced, err := chaos.InstallJournal(filepath.Join(dir, "journal"))
	require.NoError(t, err)
	r.hosts = hosttest.Start(t, chaosHosts, hosttest.WithForcedCommand(forced))
	t.Cleanup(func() { r.keepJournals() })
	r.prepare()
	for _, c := range r.clients {
		c.http.Timeout = answerWithin
	}
	return r
}

// prepare adds the hosts, stores the packages, and has v0 run everywhere, so that there is something to go back to.
func (r *chaosRun) prepare() {
	r.t.Helper()
	for i, h := range r.hosts {
		description := specOf(h)
		if i%3 == 0 {
			description = slowly(r.t, h, steady(chaosRate))
		}
		description["labels"] = map[string]string{"color": chaos.Color(i)}
		added := r.add(r.t, description)
		r.names, r.ids = append(r.names, added.Name), append(r.ids, added.ID)
	}
	for n := range chaosVersions {
		r.upload(r.t, app, version(n), "shop.tar.gz", contentOf(version(n), chaosBallast(n)).tarGz(r.t))
	}
	first := r.deploy(r.t, order{Application: app, Version: version(0), Servers: r.names, Keep: 3})
	r.succeed(r.t, first.ID)
	r.requests = append(r.requests, &chaos.Request{Key: "the first", Kind: "all", IDs: []string{first.ID}, Begins: -1})
}

func version(n int) string { return "v" + strconv.Itoa(n) }

// chaosBallast is how much of a version does not compress. Every fourth one is under way on a slow line for longer than
// the executors' ack wait: what is on the host of it when an executor falls silent is still there when the next one comes.
func chaosBallast(version int) int {
	if version%4 == 3 {
		return 10 * chaosRate
	}
	return 16<<10 + version*4<<10
}

// carryOut has everything in the script happen at its time, and returns when all processes and hosts run again and all
// requests are answered.
func (r *chaosRun) carryOut() {
	r.t.Helper()
	r.began = time.Now()
	var all sync.WaitGroup
	for _, s := range r.script.Strikes {
		all.Go(func() { r.strike(s) })
	}
	for _, b := range r.script.Breaks {
		all.Go(func() { r.breakDown(b) })
	}
	for _, o := range r.script.Orders {
		all.Go(func() { r.follow(o) })
	}
	all.Wait()
	r.timeline.add("everything has happened")
}

// awaitTime returns when it is time for something in the script.
func (r *chaosRun) awaitTime(at time.Duration) { <-time.After(time.Until(r.began.Add(at))) }

// over says whether what was asked for is not waited for any longer.
func (r *chaosRun) over() bool { return time.Since(r.began) > *chaosDuration+chaosRest }

// timeline is what happened when, as it happened.
type timeline struct {
	mu   sync.Mutex
	file *os.File
}

func newTimeline(t *testing.T, dir string) *timeline {
	t.Helper()
	file, err := os.Create(filepath.Join(dir, "timeline.log"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return &timeline{file: file}
}

func (l *timeline) add(what string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.file, "%s %s\n", time.Now().UTC().Format("15:04:05.000"), fmt.Sprintf(what, args...))
}

// keptOnFailure is a directory that is removed when the test ends, unless it failed.
func keptOnFailure(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "slipway-chaos-") //nolint:usetesting // a directory that may be kept
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("everything is kept in %s: logs, timeline.log, EV, journals of the hosts", dir)
			return
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return dir
}
