package analysis

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/probe"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

const patience = 60 * time.Second

var subject = probe.Subject{Deployment: "d1", Application: "shop", Version: "1.2.3"}

// prometheus is a real one, which scrapes what the test says.
type prometheus struct {
	url *url.URL

	mu      sync.Mutex
	metrics string
}

// startPrometheus runs a Prometheus until the test ends.
func startPrometheus(t *testing.T, metrics string) *prometheus {
	t.Helper()
	p := &prometheus{metrics: metrics}
	exporter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = fmt.Fprint(w, p.metrics)
	}))
	t.Cleanup(exporter.Close)

	dir := t.TempDir()
	settings := filepath.Join(dir, "prometheus.yml")
	require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil,
		"scrape_configs: [{job_name: shop, scrape_interval: 1s, scrape_timeout: 1s, static_configs: [{targets: [%q]}]}]\n",
		exporter.Listener.Addr().String()), 0o600))
	address := freeAddress(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	cmd := exec.Command("prometheus", "--config.file="+settings, "--storage.tsdb.path="+filepath.Join(dir, "data"),
		"--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = log, log
	server, err := proctest.Start(cmd)
	require.NoError(t, err, "Debian's package prometheus is needed: make deps")
	t.Cleanup(server.Kill)
	p.url, err = url.Parse("http://" + address)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		return p.measure(t, contract.PrometheusCheck{Query: "up == 1", Expect: "== 1"}).Verdict == probe.Pass
	}, patience, 20*time.Millisecond, "Prometheus scrapes nothing; its log is %s", log.Name())
	return p
}

// measure asks this Prometheus as the configured one.
func (p *prometheus) measure(t *testing.T, c contract.PrometheusCheck) Detail {
	t.Helper()
	return single(t, New(Settings{Server: p.url}), contract.Check{Prometheus: &c})
}

// eventually waits until a check has this verdict, as after the next scrape.
func (p *prometheus) eventually(t *testing.T, want probe.Verdict, c contract.PrometheusCheck) {
	t.Helper()
	require.Eventually(t, func() bool { return p.measure(t, c).Verdict == want }, patience, 20*time.Millisecond, "%s of %s", want, c.Query)
}

func (p *prometheus) show(metrics string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.metrics = metrics
}

// freeAddress returns an address of loopback on which nothing listens but who is told of it.
func freeAddress(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(proctest.ReservePort(t)))
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	var cfg net.ListenConfig
	l, err := cfg.Listen(t.Context(), "tcp", address)
	require.NoError(t, err)
	return l
}

// serve runs a server on this address of loopback until the test ends.
func serve(t *testing.T, address string, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	require.NoError(t, s.Listener.Close())
	s.Listener = listen(t, address+":0")
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// local is a meter that may ask 127.0.0.1, and nothing else that is not public.
func local() *Meter {
	return New(Settings{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
}

// single measures one check.
func single(t *testing.T, m *Meter, c contract.Check) Detail {
	t.Helper()
	return singleWithin(t.Context(), t, m, c)
}

func singleWithin(ctx context.Context, t *testing.T, m *Meter, c contract.Check) Detail {
	t.Helper()
	c.Name = "it"
	r := m.Measure(ctx, []contract.Check{c}, subject)
	require.Len(t, r.Details, 1)
	require.Equal(t, "it", r.Details[0].Name)
	require.Equal(t, r.Verdict, r.Details[0].Verdict)
	return r.Details[0]
}
