package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/haproxytest"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// twoSets is two blue and two green hosts that run v1 behind a real HAProxy on a fifth, with traffic on the blue ones.
// Each serves its name and version, and is not well while that is v3.
type twoSets struct {
	*standalone
	blue, green []*hosttest.Host
	balancer    *hosttest.Host
	served      map[string]string // by name: URL
	proxy       *haproxytest.Proxy
}

func startTwoSets(t *testing.T) twoSets {
	t.Helper()
	hosts := hosttest.Start(t, 5)
	s := twoSets{
		standalone: startStandalone(t, "--scheduler-analysis-allow", "127.0.0.0/8"),
		blue:       hosts[:2], green: hosts[2:4], balancer: hosts[4], served: map[string]string{},
	}
	servers := map[string]string{}
	for i, h := range hosts[:4] {
		s.add(t, with(specOf(h), "labels", map[string]string{"color": []string{"blue", "green"}[i/2]}))
		s.served[h.Name] = serve(t, h)
		servers[h.Name] = strings.TrimPrefix(s.served[h.Name], "http://")
	}
	s.add(t, specOf(s.balancer))
	s.uploadVersions(t, 0, "v1", "v2", "v3")
	s.succeed(t, s.deploy(t, order{Application: app, Version: "v1", Servers: s.names()}).ID)
	s.proxy = haproxytest.Start(t, servers, s.green[0].Name, s.green[1].Name)
	return s
}

// serve is the application that runs on a host.
func serve(t *testing.T, h *hosttest.Host) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		version, err := os.ReadFile(filepath.Join(h.Home, appPath, "current", "VERSION"))
		if err != nil || string(version) == "v3" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = fmt.Fprintf(w, "%s %s", h.Name, version)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func (s twoSets) names() []string {
	return []string{s.blue[0].Name, s.blue[1].Name, s.green[0].Name, s.green[1].Name}
}

// toGreen deploys a version to the green set and has traffic go there.
func (s twoSets) toGreen(t *testing.T, version string, more map[string]any) deployment {
	t.Helper()
	strategy := map[string]any{
		"type": "blueGreen", "to": "green", "keep": "1h", "retire": map[string]any{"command": `echo "$SLIPWAY_FROM" >retired`},
		"traffic": map[string]any{
			"servers": []string{s.balancer.Name}, "haproxy": map[string]any{"socket": s.proxy.Socket, "backend": haproxytest.Backend},
		},
	}
	for name, value := range more {
		strategy[name] = value
	}
	return must[deployment](t, s.client, request{
		method: "POST", path: "/v1/deployments", header: map[string]string{"Idempotency-Key": uniqueKey()}, body: map[string]any{
			"application": app, "version": version, "servers": s.names(), "strategy": strategy,
			"timeouts": map[string]string{"step": "20s"},
		},
	}, http.StatusAccepted)
}

// requireTraffic fails the test unless requests go to these hosts, which run this version.
func (s twoSets) requireTraffic(t *testing.T, to []*hosttest.Host, version string) {
	t.Helper()
	for range 6 {
		said, err := s.proxy.Get()
		require.NoError(t, err)
		require.Contains(t, []string{to[0].Name + " " + version, to[1].Name + " " + version}, said)
	}
}

// heard is what a request was answered.
type heard struct {
	answer string
	moved  bool // the host changed since the request was made, which may have come to it before
}

// ask makes requests all the while, none of which may fail, until the function that it returns is called. That returns
// all that was answered.
func (s twoSets) ask(t *testing.T) (answers func() map[heard]int) {
	t.Helper()
	var asking sync.WaitGroup
	done, said := make(chan struct{}), map[heard]int{}
	asking.Go(func() {
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
			began := time.Now()
			answer, err := s.proxy.Get()
			assert.NoError(t, err, "a request failed")
			said[heard{answer, s.movedSince(answer, began)}]++
		}
	})
	stop := sync.OnceFunc(func() {
		close(done)
		asking.Wait()
	})
	t.Cleanup(stop)
	return func() map[heard]int {
		stop()
		return said
	}
}

// movedSince says whether the host that answered was switched to another release since then.
func (s twoSets) movedSince(answer string, began time.Time) bool {
	for _, h := range slices.Concat(s.blue, s.green) {
		if strings.HasPrefix(answer, h.Name+" ") {
			link, err := os.Lstat(filepath.Join(h.Home, appPath, "current"))
			return err == nil && link.ModTime().After(began)
		}
	}
	return false
}

func requireRetired(t *testing.T, hosts []*hosttest.Host, want bool) {
	t.Helper()
	for _, h := range hosts {
		said, err := os.ReadFile(filepath.Join(h.Home, "retired"))
		require.Equal(t, want, err == nil)
		if want {
			require.Equal(t, "blue\n", string(said))
		}
	}
}

func TestTrafficGoesFromOneSetToTheOtherAndNoRequestFails(t *testing.T) {
	t.Parallel()
	s := startTwoSets(t)
	s.requireTraffic(t, s.blue, "v1")
	answers := s.ask(t)

	d := s.toGreen(t, "v2", nil)
	require.Equal(t, "traffic_switched", s.awaitState(t, d.ID, "holding").Cause)
	s.requireTraffic(t, s.green, "v2")
	requireRuns(t, s.blue[0], "v1")

	s.control(t, d.ID, "reject", map[string]string{"reason": "it is slow"})
	require.Equal(t, "failed", s.await(t, d.ID, patience).State)
	at := s.course(t, d.ID)
	require.Equal(t, "switch_rejected", at.Cause)
	require.Contains(t, at.Reason, "was taken back")
	s.requireTraffic(t, s.blue, "v1")
	requireRuns(t, s.green[1], "v1")
	requireRetired(t, s.blue, false)

	d = s.toGreen(t, "v2", nil)
	s.awaitState(t, d.ID, "holding")
	s.control(t, d.ID, "promote", map[string]string{})
	s.succeed(t, d.ID)
	s.requireTraffic(t, s.green, "v2")
	requireRetired(t, s.blue, true)

	s.succeed(t, s.rollBack(t, d.ID).ID)
	s.requireTraffic(t, s.blue, "v1")
	requireRuns(t, s.green[0], "v1")

	looked := 0
	for one, times := range answers() {
		if one.moved {
			continue
		}
		looked += times
		answer := one.answer
		_, version, _ := strings.Cut(answer, " ")
		green := strings.HasPrefix(answer, s.green[0].Name+" ") || strings.HasPrefix(answer, s.green[1].Name+" ")
		require.Equal(t, green, version == "v2", "%s: no host changes under traffic", answer)
	}
	require.NotZero(t, looked, "nothing was looked at")
	requireEvents(t, s.standalone)
}

func TestASetThatIsNotWellNeverGetsTraffic(t *testing.T) {
	t.Parallel()
	s := startTwoSets(t)
	answers := s.ask(t)

	unfit := s.toGreen(t, "v3", nil)
	require.Equal(t, "failed", s.await(t, unfit.ID, patience).State)
	refusal := s.targets(t, unfit.ID)[s.balancer.Name].Failure
	require.NotNil(t, refusal, "%s", s.describe(t, unfit.ID))
	require.Equal(t, "balancer_error", refusal.Code)
	require.Contains(t, refusal.Reason, s.green[0].Name+" is DOWN")
	requireRuns(t, s.green[0], "v1")

	judged := s.toGreen(t, "v3", map[string]any{"analysis": map[string]any{
		"interval": "1s", "successes": 1, "checks": []map[string]any{{"name": "up", "http": map[string]any{"url": s.served[s.green[0].Name]}}},
	}})
	require.Equal(t, "failed", s.await(t, judged.ID, patience).State)
	at := s.course(t, judged.ID)
	require.Equal(t, "canary_analysis", at.Cause)
	require.Contains(t, at.Reason, "the new set did not pass its analysis")
	require.Equal(t, "skipped", s.targets(t, judged.ID)[s.balancer.Name].State)
	requireRuns(t, s.green[1], "v1")

	for one := range answers() {
		require.Contains(t, []string{s.blue[0].Name + " v1", s.blue[1].Name + " v1"}, one.answer)
	}
	requireRetired(t, s.blue, false)
	requireEvents(t, s.standalone)
}
