package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

// measured is a Slipway whose schedulers may ask what runs here, and hosts with version v1 on them.
type measured struct {
	*standalone
	hosts []*hosttest.Host
	names []string
	seen  chan struct{} // closed once it was seen that v2 is measured; until then nothing is found out about it
}

func startMeasured(t *testing.T, seen chan struct{}, flags ...string) measured {
	t.Helper()
	m := measured{standalone: startStandalone(t, append(flags, "--scheduler-analysis-allow", "127.0.0.0/8")...), hosts: hosttest.Start(t, 3), seen: seen}
	m.names = m.addAll(t, m.hosts)
	m.uploadVersions(t, 0, "v1", "v2", "v3")
	m.succeed(t, m.deploy(t, order{Application: app, Version: "v1", Servers: m.names}).ID)
	return m
}

// canary deploys a version to one host, and to the others if two measurements pass.
func (m measured) canary(t *testing.T, version string, check map[string]any) deployment {
	t.Helper()
	return m.deploy(t, order{
		Application: app, Version: version, Servers: m.names, Failures: &failures{Then: "rollback"},
		Strategy: &strategy{Type: "canary", First: 1, Analysis: &analysis{
			Checks: []map[string]any{check}, Interval: "1s", Successes: 2, Inconclusive: 100,
		}},
	})
}

// requirePromoted fails the test unless measurements let the version go on to all hosts.
func (m measured) requirePromoted(t *testing.T, d deployment, version string) {
	t.Helper()
	at := m.awaitState(t, d.ID, "analyzing")
	require.Equal(t, "canary", at.Cause)
	require.Contains(t, at.Reason, "of 2 measurements passed, 0 failed")
	require.False(t, at.Until.IsZero(), "it is not said when the next measurement is")
	close(m.seen)
	m.succeed(t, d.ID)
	for _, h := range m.hosts {
		requireRuns(t, h, version)
	}
}

// requireTakenBack fails the test unless measurements stopped the deployment, and the canary runs what it ran before.
func (m measured) requireTakenBack(t *testing.T, d deployment, found, before string) {
	t.Helper()
	require.Equal(t, "failed", m.await(t, d.ID, patience).State)
	at := m.course(t, d.ID)
	require.Equal(t, "canary_analysis", at.Cause)
	require.Contains(t, at.Reason, found)
	targets := m.targets(t, d.ID)
	for i, want := range []string{"succeeded", "skipped", "skipped"} {
		require.Equal(t, want, targets[m.names[i]].State)
	}
	back := m.deployment(t, at.RolledBackBy)
	require.Equal(t, "succeeded", back.State)
	require.Equal(t, 1, back.Targets, "the canary alone")
	for _, h := range m.hosts {
		requireRuns(t, h, before)
	}
}

func TestRequestsJudgeACanary(t *testing.T) {
	t.Parallel()
	m := startMeasured(t, make(chan struct{}))
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-m.seen:
		case <-r.Context().Done():
			return
		}
		version, err := os.ReadFile(filepath.Join(m.hosts[0].Home, appPath, "current", "VERSION"))
		if err != nil || string(version) == "v3" { // which is broken
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = fmt.Fprintf(w, `{"version": %q, "error": %v}`, version, err != nil)
	}))
	t.Cleanup(shop.Close)
	health := map[string]any{"name": "health", "http": map[string]any{
		"url": shop.URL, "body": `"version": "{{version}}"`, "timeout": "1m", // for it to be seen
	}}
	m.requirePromoted(t, m.canary(t, "v2", health), "v2")
	m.requireTakenBack(t, m.canary(t, "v3", health), "the last: health: fail (500)", "v2")
	requireEvents(t, m.standalone)
}

func TestPrometheusJudgesACanary(t *testing.T) {
	t.Parallel()
	seen := make(chan struct{})
	m := startMeasured(t, seen, "--scheduler-analysis-prometheus", startPrometheus(t, func() string {
		select {
		case <-seen:
			return "shop_errors{version=\"v2\"} 0\nshop_errors{version=\"v3\"} 7\n"
		default:
			return ""
		}
	}))
	errors := map[string]any{"name": "errors", "prometheus": map[string]any{"query": `shop_errors{version="{{version}}"}`, "expect": "< 1"}}
	m.requirePromoted(t, m.canary(t, "v2", errors), "v2")
	m.requireTakenBack(t, m.canary(t, "v3", errors), "the last: errors: fail (7)", "v2")
	requireEvents(t, m.standalone)
}

// startPrometheus runs a Prometheus that scrapes these metrics, and returns its URL.
func startPrometheus(t *testing.T, metrics func() string) string {
	t.Helper()
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = fmt.Fprint(w, metrics())
	}))
	t.Cleanup(exporter.Close)
	program, err := exec.LookPath("prometheus")
	require.NoError(t, err, "Debian's package prometheus is needed: make deps")
	dir := workDir(t)
	settings := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil,
		"scrape_configs: [{job_name: shop, scrape_interval: 1s, static_configs: [{targets: [%q]}]}]\n", exporter.Listener.Addr()), 0o600))
	address := "127.0.0.1:" + strconv.Itoa(proctest.ReservePort(t))
	newProcess(t, dir, "prometheus", program, "--config.file="+settings, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn").start()
	return "http://" + address
}
