package e2e

import (
	"net/http"
	"sync"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// slowTransfer is a release that is on its way to every host for a minute, unless the lines become faster.
const (
	slowTransfer = 2 << 20 // bytes
	slowRate     = slowTransfer / 60
)

// scene is a fleet with ten hosts, which run v1, on lines that are slow from the beginning of a deployment until the test
// has done what it does in the middle of it.
type scene struct {
	*fleet
	lines   *pace
	hosts   []*hosttest.Host
	names   []string
	streams jetstream.JetStream
}

func newScene(t *testing.T, executors int) *scene {
	t.Helper()
	s := &scene{fleet: startFleet(t, fleetSize{schedulers: 1, executors: executors}), lines: &pace{}, hosts: hosttest.Start(t, 10)}
	s.streams = openStreams(t, s.natsURL)
	for _, h := range s.hosts {
		s.names = append(s.names, s.add(t, slowly(t, h, s.lines)).Name)
	}
	s.uploadVersions(t, 0, "v1")
	s.uploadVersions(t, slowTransfer, "v2")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: s.names}).ID)
	watch(t, s.hosts)
	return s
}

// begin has a version deployed over slow lines and returns when bytes are on their way to some host.
func (s *scene) begin(t *testing.T, version string) (deployment, target) {
	t.Helper()
	s.lines.set(slowRate)
	d := s.deploy(t, order{Application: app, Version: version, Servers: s.names})
	return d, awaitTarget(t, s.client, d.ID, inTransfer)
}

// goOn makes the lines fast: what was to happen in mid-transfer has happened.
func (s *scene) goOn() { s.lines.set(0) }

// requireAllRight has the deployment go on and fails the test unless it ends as if nothing had happened.
func (s *scene) requireAllRight(t *testing.T, d deployment) {
	t.Helper()
	s.goOn()
	s.succeed(t, d.ID)
	for _, h := range s.hosts {
		requireRuns(t, h, "v2")
		requireNothingStaged(t, h)
	}
	awaitEmpty(t, s.streams, contract.StreamJobs)
	checkStories(t, readEvents(t, s.streams))
}

func TestAnotherExecutorTakesOverFromOneThatIsKilledInMidTransfer(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2)
	d, at := s.begin(t, "v2")
	victim := s.executorOf(at)
	victim.kill()
	s.requireAllRight(t, d)
	taken := s.targets(t, d.ID)[at.Name]
	require.Greater(t, taken.Attempt, 1)
	require.NotEqual(t, at.Executor, taken.Executor)
}

func TestAServiceThatIsKilledInTheMiddleGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	for _, victim := range []*process{s.schedulers[0], s.history, s.gateway} {
		// A version of its own for each, or the second would find everything done.
		version := "v2-" + victim.name
		s.uploadVersions(t, slowTransfer, version)
		d, _ := s.begin(t, version)
		victim.kill()
		victim.start()
		s.goOn()
		s.succeed(t, d.ID)
		for _, h := range s.hosts {
			requireRuns(t, h, version)
		}
	}
	checkStories(t, readEvents(t, s.streams))
	checkReplay(t, s.fleet)
	look := secrets{"the token": s.token, "the private key": keyMaterial(s.hosts[0].PrivateKeyPEM)}
	look.requireNotInStreams(t, s.streams)
	look.requireNotInFiles(t, s.dir)
}

func TestStandaloneThatIsKilledGoesOnWhenItIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 10)
	lines := &pace{}
	var names []string
	for _, h := range hosts {
		names = append(names, s.add(t, slowly(t, h, lines)).Name)
	}
	watch(t, hosts)
	for _, version := range []string{"v1", "v2"} {
		s.uploadVersions(t, slowTransfer, version)
		lines.set(slowRate)
		d := s.deploy(t, order{Application: app, Version: version, Servers: names})
		awaitTarget(t, s.client, d.ID, inTransfer)
		s.process.kill()
		s.process.start()
		lines.set(0)
		s.succeed(t, d.ID)
		for _, h := range hosts {
			requireRuns(t, h, version)
			requireNothingStaged(t, h)
		}
	}
	require.NotRegexp(t, tokenLine, s.process.output(), "the token is shown once")
	requireEvents(t, s)
}

func TestARequestThatIsRepeatedAfterTheGatewayWasKilledMakesOneDeployment(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	asks := make([]request, 60)
	for n := range asks {
		asks[n] = order{Application: app, Version: "v1", Servers: s.names[n%10 : n%10+1]}.request(uniqueKey())
	}
	first := make([]answer, len(asks)) // none where the gateway died first
	var asking sync.WaitGroup
	for n, ask := range asks {
		asking.Go(func() { first[n], _ = s.do(ask) })
	}
	eventually(t, func() bool { return s.commands(t) > len(asks)/5 }, "too few commands are stored")
	s.gateway.kill()
	asking.Wait()
	s.gateway.start()

	answered := 0
	for n, ask := range asks {
		d := must[deployment](t, s.client, ask, http.StatusAccepted)
		if first[n].status == http.StatusAccepted {
			answered++
			require.Contains(t, string(first[n].body), d.ID, "another deployment is answered")
		}
		require.Equal(t, d.ID, must[deployment](t, s.client, ask, http.StatusAccepted).ID)
		s.succeed(t, d.ID)
	}
	t.Logf("%d of %d requests were answered before the kill", answered, len(asks))
	require.Len(t, all[deployment](t, s.client, "/v1/deployments", nil), 1+len(asks), "one for each key, beside the first")
	require.Equal(t, 1+len(asks), s.commands(t))
}

// commands is how many deployments were ever accepted.
func (s *scene) commands(t *testing.T) int {
	t.Helper()
	stream, err := s.streams.Stream(t.Context(), contract.StreamCommands)
	require.NoError(t, err)
	return int(stream.CachedInfo().State.Msgs)
}
