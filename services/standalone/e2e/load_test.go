package e2e

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

const (
	loadHosts       = 50
	loadSchedulers  = 2
	loadExecutors   = 3
	loadDeployments = 10
	// freezeFor is longer than an executor's lease, so that another takes its jobs before it wakes up.
	freezeFor = 8 * time.Second
	// chaosFor bounds the time of kills and freezes; the rest of the deployments runs in peace.
	chaosFor = 45 * time.Second
)

// TestInvariantsHoldUnderKillsAndFreezes has ten deployments, each to most of fifty hosts, worked off by three executors
// that are killed and frozen at random, as are two schedulers; gateway, history and the broker are killed too.
// SLIPWAY_E2E_SEED repeats a run, as far as chance allows.
func TestInvariantsHoldUnderKillsAndFreezes(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	f := startFleet(t, fleetSize{
		schedulers: loadSchedulers, executors: loadExecutors,
		flags: []string{"--job-max-attempts=1000"}, // so that every job is to succeed, however often it is cut short
	})
	hosts := hosttest.Start(t, loadHosts)
	names := f.addAll(t, hosts)
	byServer := map[string]*hosttest.Host{}
	for i, one := range all[server](t, f.client, "/v1/servers", nil) {
		require.Equal(t, names[i], one.Name)
		byServer[one.ID] = hosts[i]
	}
	for n := range loadDeployments {
		f.upload(t, app, version(n), "shop.tar.gz", contentOf(version(n), 256<<10).tarGz(t))
	}
	stopWatching := watch(t, hosts)

	raging := f.rage(random)
	var accepted []string
	for n := range loadDeployments {
		some := make([]string, 0, loadHosts)
		for _, at := range random.Perm(loadHosts)[:loadHosts-random.IntN(15)] {
			some = append(some, names[at])
		}
		accepted = append(accepted, f.deploy(t, order{Application: app, Version: version(n), Servers: some, Keep: 3}).ID)
	}
	begun := time.Now()
	poll(chaosFor, func() bool { return f.ended(t, accepted) })
	raging.end()
	t.Logf("%d kills and %d freezes in %v", raging.kills, raging.freezes, time.Since(begun).Round(time.Second))

	for _, id := range accepted {
		f.succeed(t, id)
	}
	ran := stopWatching()
	js := openStreams(t, f.natsURL)
	awaitEmpty(t, js, contract.StreamJobs)
	events := readEvents(t, js)
	checkStories(t, events)
	checkOutcome(t, events, byServer, ran)
	checkReplay(t, f)
}

func version(n int) string { return "v" + strconv.Itoa(n) }

func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("SLIPWAY_E2E_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err, "SLIPWAY_E2E_SEED")
	}
	t.Logf("SLIPWAY_E2E_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// chaos kills and freezes processes at random, until it is ended; then all of them run.
type chaos struct {
	fleet  *fleet
	random *rand.Rand
	stop   chan struct{}
	once   sync.Once
	ended  sync.WaitGroup

	kills, freezes int
	frozen         map[*process]chan struct{} // closed when it runs again
}

// rage begins the chaos. Its random numbers are its own: others are drawn at the same time.
func (f *fleet) rage(random *rand.Rand) *chaos {
	f.t.Helper()
	c := &chaos{
		fleet: f, random: rand.New(rand.NewPCG(random.Uint64(), random.Uint64())),
		stop: make(chan struct{}), frozen: map[*process]chan struct{}{},
	}
	c.ended.Go(func() {
		for c.rest(300*time.Millisecond, 1500*time.Millisecond) {
			c.strike()
		}
	})
	f.t.Cleanup(c.end)
	return c
}

// rest waits and says whether to go on.
func (c *chaos) rest(least, most time.Duration) bool {
	select {
	case <-c.stop:
		return false
	case <-time.After(least + time.Duration(c.random.Int64N(int64(most-least)))):
		return true
	}
}

// strike kills or freezes an executor or a scheduler, or kills something that there is one of. What is frozen is spared.
func (c *chaos) strike() {
	workers := slices.Concat(c.fleet.executors, c.fleet.executors, c.fleet.schedulers)
	singles := []*process{c.fleet.gateway, c.fleet.history, c.fleet.broker}
	victim := workers[c.random.IntN(len(workers))]
	freezing := c.random.IntN(5) < 2
	if c.random.IntN(5) == 0 {
		victim, freezing = singles[c.random.IntN(len(singles))], false
	}
	if c.asleep(victim) {
		return
	}
	if freezing {
		c.freezes++
		c.freeze(victim)
		return
	}
	c.kills++
	victim.kill()
	c.rest(0, 2*time.Second)
	victim.start()
}

func (c *chaos) asleep(p *process) bool {
	woken := c.frozen[p]
	if woken == nil {
		return false
	}
	select {
	case <-woken:
		return false
	default:
		return true
	}
}

func (c *chaos) freeze(victim *process) {
	woken := make(chan struct{})
	c.frozen[victim] = woken
	victim.freeze()
	c.ended.Go(func() {
		defer close(woken)
		select {
		case <-c.stop:
		case <-time.After(freezeFor):
		}
		victim.thaw()
	})
}

// end lets everything run again.
func (c *chaos) end() {
	c.once.Do(func() { close(c.stop) })
	c.ended.Wait()
}

func (f *fleet) ended(t testing.TB, ids []string) bool {
	t.Helper()
	for _, id := range ids {
		if !f.deployment(t, id).ended() {
			return false
		}
	}
	return true
}

// checkOutcome fails the test unless each host ran what the events about it say, in their order, and runs the last of it
// now. What was switched to for less than the pause of a watcher may have been missed.
func checkOutcome(t *testing.T, events []event, hosts map[string]*hosttest.Host, ran map[string][]string) {
	t.Helper()
	said, jobs, attempts := map[string][]string{}, 0, 0
	for _, e := range events {
		switch body := e.Body.(type) {
		case contract.JobStartedEvent:
			attempts++
		case contract.JobEndedEvent:
			require.NotNil(t, hosts[e.Host])
			require.Equal(t, "succeeded", body.State)
			said[e.Host] = append(said[e.Host], body.Release)
			jobs++
		}
	}
	t.Logf("%d jobs on %d hosts took %d attempts and %d events", jobs, len(said), attempts, len(events))
	for id, releases := range said {
		h := hosts[id]
		require.True(t, inOrder(ran[h.Name], releases), "%s was seen to run %q, and is said to have run %q", h.Name, ran[h.Name], releases)
		requireRuns(t, h, releases[len(releases)-1])
		requireNothingStaged(t, h)
		left, err := filepath.Glob(filepath.Join(h.Home, appPath, "releases", "*"))
		require.NoError(t, err)
		require.LessOrEqual(t, len(left), 4, "three stay, and what a rollback would go to")
	}
}

// inOrder says whether seen is what is left of all when some of it is passed over.
func inOrder(seen, all []string) bool {
	for _, one := range all {
		if len(seen) > 0 && seen[0] == one {
			seen = seen[1:]
		}
	}
	return len(seen) == 0
}
