package e2e

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/observe/observetest"
	"github.com/slipway-deploy/slipway/libs/otlptest"
)

// What a client sends of the trace that its request is a part of.
const (
	itsTrace    = "4bf92f3577b34da6a3ce929d0e0e4736"
	itsSpan     = "00f067aa0ba902b7"
	traceparent = "00-" + itsTrace + "-" + itsSpan + "-01"
)

// operatorsAt is how a process says where operators are answered.
const operatorsAt = `"address":"([^"]+)".*"operators are answered"`

// watched is a fleet of processes that are looked at, and what they have done: a deployment in two waves to three hosts.
type watched struct {
	*fleet
	spans   *otlptest.Receiver
	hosts   []*hosttest.Host
	ids     map[string]string // of servers, by name
	id      string            // of the deployment
	secrets secrets
}

func TestAFleetIsSeenFromOutside(t *testing.T) {
	t.Parallel()
	w := &watched{spans: otlptest.Start(t), hosts: hosttest.Start(t, 3), ids: map[string]string{}}
	w.fleet = startFleet(t, fleetSize{
		schedulers: 1, executors: 2, operators: true, flags: []string{"--job-ack-wait=60s"}, // each job is attempted once
		env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + w.spans.URL, "OTEL_BSP_SCHEDULE_DELAY=50"},
	})
	w.secrets = secrets{"token": w.token, "private key": keyMaterial(w.hosts[0].PrivateKeyPEM), "secret": uniqueKey(), "environment": uniqueKey(), "hook": uniqueKey()}
	for _, h := range w.hosts {
		w.ids[h.Name] = w.add(t, specOf(h)).ID
	}
	w.uploadVersions(t, 1000, "1.0.0")
	w.id = must[deployment](t, w.client, request{
		method: "POST", path: "/v1/deployments", header: map[string]string{"traceparent": traceparent}, body: map[string]any{
			"application": app, "version": "1.0.0", "project": "webshop", "servers": slices.Collect(maps.Keys(w.ids)),
			"strategy":    map[string]any{"type": "rolling", "batch": 2},
			"environment": map[string]string{"PLAIN": w.secrets["environment"]}, "secrets": map[string]string{"TOKEN": w.secrets["secret"]},
			"hooks": map[string]any{"before": []map[string]any{{"name": "tell", "command": "echo " + w.secrets["hook"] + " >/dev/null"}}},
		},
	}, http.StatusAccepted).ID
	w.succeed(t, w.id)

	t.Run("a trace leads from the client to each step on each host", w.requireTrace)
	t.Run("no metric says which host or deployment", w.requireFewSeries)
	t.Run("the log says which deployment and which host", w.requireNamedLines)
}

func (w *watched) requireTrace(t *testing.T) {
	steps := []string{"connect", "before", "stage", "switch", "clean"}
	of := func(all []otlptest.Span, name string) (found []otlptest.Span) {
		for _, s := range all {
			if s.Trace == itsTrace && s.Name == name {
				found = append(found, s)
			}
		}
		return found
	}
	var byID map[string]otlptest.Span
	all := w.spans.Await(t, func(all []otlptest.Span) bool { // each process sends its own, in its time
		byID = map[string]otlptest.Span{}
		for _, s := range all {
			byID[s.ID] = s
		}
		jobs := of(all, "job")
		return len(jobs) == 3 && !slices.ContainsFunc(jobs, func(s otlptest.Span) bool { return byID[s.Parent].Name != "offer" }) &&
			len(of(all, "command")) == 1 && len(of(all, "POST /v1/deployments")) == 1
	}, "three jobs, and what they follow from")
	served := of(all, "POST /v1/deployments")
	require.Len(t, served, 1)
	require.Equal(t, itsSpan, served[0].Parent, "within the span of the client")
	require.Equal(t, "slipway-gateway", served[0].Service)
	require.Equal(t, w.id, served[0].Facts["slipway.deployment"])
	taken := of(all, "command")
	require.Len(t, taken, 1)
	require.Equal(t, served[0].ID, taken[0].Parent)
	require.Equal(t, "slipway-scheduler", taken[0].Service)
	for _, step := range steps {
		var at []string
		for _, s := range of(all, step) {
			require.Equal(t, "slipway-executor", s.Service)
			require.Equal(t, w.id, s.Facts["slipway.deployment"])
			require.Equal(t, "succeeded", s.Facts["slipway.outcome"])
			at = append(at, s.Facts["slipway.host"])
			job := byID[s.Parent]
			require.Equal(t, "job", job.Name)
			require.Equal(t, s.Facts["slipway.host"], job.Facts["slipway.host"])
			offer := byID[job.Parent]
			require.Equal(t, "offer", offer.Name)
			require.Equal(t, "slipway-scheduler", offer.Service)
			require.Contains(t, []string{taken[0].ID, served[0].ID}, offer.Parent, "of the first wave, and of the next")
		}
		require.ElementsMatch(t, slices.Collect(maps.Values(w.ids)), at, step)
	}
	require.Empty(t, w.secrets.in(w.spans.Raw()), "the spans")
}

// requireFewSeries looks at every label of every metric of every process, once all has happened.
func (w *watched) requireFewSeries(t *testing.T) {
	personal := []string{w.id, "webshop", app, "1.0.0"}
	for _, h := range w.hosts {
		personal = append(personal, h.Name, h.Addr, w.ids[h.Name])
	}
	families := 0
	for _, p := range w.services() {
		for name, family := range observetest.Scrape(t, "http://"+p.awaitLog(operatorsAt)) {
			if !strings.HasPrefix(name, "slipway_") {
				continue
			}
			families++
			require.Less(t, len(family.GetMetric()), 100, name)
			for _, m := range family.GetMetric() {
				for _, label := range m.GetLabel() {
					for _, it := range personal {
						require.NotContains(t, label.GetValue(), it, "%s of %s", label.GetName(), name)
					}
				}
			}
		}
	}
	require.Greater(t, families, 30, "hardly anything was looked at")
}

// requireNamedLines looks at every line that all processes have logged: one that has to do with a deployment names it
// where it is looked for, and a host, too.
func (w *watched) requireNamedLines(t *testing.T) {
	named := 0
	for _, p := range w.services() {
		log, err := os.Open(p.log)
		require.NoError(t, err)
		defer log.Close()
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			var line map[string]any
			require.NoError(t, json.Unmarshal(lines.Bytes(), &line), "%s", lines.Text())
			if strings.Contains(lines.Text(), w.id) {
				named++
				require.Equal(t, w.id, line["deployment"], "%s", lines.Text())
			}
			if at := slices.IndexFunc(w.hosts, func(h *hosttest.Host) bool { return strings.Contains(lines.Text(), w.ids[h.Name]) }); at >= 0 && line["deployment"] != nil {
				require.Equal(t, w.ids[w.hosts[at].Name], line["host"], "%s", lines.Text())
			}
		}
		require.NoError(t, lines.Err())
	}
	require.GreaterOrEqual(t, named, 4, "the request and the end of each job")
}

// A process that is told to say more while it runs does, and one that is looked at by a stranger says nothing.
func TestStandaloneIsLookedAtWithItsToken(t *testing.T) {
	t.Parallel()
	const token = "a-token-of-operators"
	s := startStandalone(t, "--observe-listen", "127.0.0.1:0", "--observe-token", token)
	c := newClient(t, s.dir, "http://"+s.process.awaitLog(operatorsAt), token)
	ask := func(method, path, bearer string, body any) int {
		c.token = bearer
		a, err := c.do(request{method: method, path: path, body: body})
		require.NoError(t, err)
		return a.status
	}
	s.process.awaitLog(`"message":"ready"`) // the announcement comes first
	require.Equal(t, http.StatusOK, ask("GET", "/readyz", "", nil))
	require.Equal(t, http.StatusUnauthorized, ask("GET", "/metrics", s.token, nil), "the API's tokens are for the API")
	require.Equal(t, http.StatusOK, ask("GET", "/metrics", token, nil))

	said := regexp.MustCompile(`"level":"debug"`)
	require.Empty(t, said.FindString(s.process.output()))
	require.Equal(t, http.StatusOK, ask("PUT", "/log-level", token, map[string]string{"level": "debug"}))
	_, err := s.do(request{method: "GET", path: "/healthz"})
	require.NoError(t, err)
	s.process.awaitLog(`"level":"debug"`)
}
