package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// These tests send what 001_bda77ac1efae2ec3.txt shows to real hosts.

// bot is a Slipway that a client of the dialect modes talks to: the application roas-bot in the
// project roas, with the profile and the environment that the document names.
type bot struct {
	*standalone
	hosts []*hosttest.Host
}

type object = map[string]any

func startBot(t *testing.T, hosts []*hosttest.Host, defaults object) *bot {
	t.Helper()
	b := &bot{hosts: hosts}
	b.standalone = startStandalone(t, lasting, "--gateway-webhooks-allow", "127.0.0.0/8",
		"--gateway-modes-project", "roas", "--gateway-modes-application", "roas-bot", "--gateway-modes-profile", "development", "--gateway-modes-environment", "dev")
	names := b.addAll(t, hosts)
	b.native(t, "/v1/projects", object{"name": "roas"})
	b.native(t, "/v1/projects/roas/stages", object{"name": "dev", "defaults": object{"servers": names}})
	said := object{"runtime": object{"kind": "archive"}}
	for name, value := range defaults {
		said[name] = value
	}
	b.native(t, "/v1/projects/roas/templates", object{"name": "development", "defaults": said})
	return b
}

// native makes something by the native interface.
func (b *bot) native(t *testing.T, path string, body any) {
	t.Helper()
	must[object](t, b.client, request{method: "POST", path: path, body: body}, http.StatusCreated)
}

// release uploads a version that every mode can run.
func (b *bot) release(t *testing.T, version string, more content) {
	t.Helper()
	c := content{"requirements.txt": "", "VERSION": version}
	for name, text := range more {
		c[name] = text
	}
	b.upload(t, "roas-bot", version, "roas-bot.tar.gz", c.tarGz(t))
}

// ask sends a request of the dialect and reads the answer.
func (b *bot) ask(t *testing.T, method, path string, body any) (int, object) {
	t.Helper()
	a := b.answered(t, request{method: method, path: "/compat/modes" + path, body: body})
	var got object
	require.NoError(t, json.Unmarshal(a.body, &got), "%s", a)
	return a.status, got
}

// get reads something that must be there.
func (b *bot) get(t *testing.T, path string) object {
	t.Helper()
	status, got := b.ask(t, "GET", path, nil)
	require.Equal(t, http.StatusOK, status, "%v", got)
	return got
}

// health is how the service is, once all who have a part in that have had time to say so.
func (b *bot) health(t *testing.T) (all object) {
	t.Helper()
	eventually(t, func() bool {
		all = b.get(t, "/api/deployment/health")
		_, counted := all["statistics"].(object)
		_, read := all["system_resources"].(object)
		return counted && read
	}, "the health has no part missing")
	return all
}

// start begins a deployment and returns its id.
func (b *bot) start(t *testing.T, body object) string {
	t.Helper()
	status, got := b.ask(t, "POST", "/api/deployments", body)
	require.Equal(t, http.StatusAccepted, status, "%v", got)
	return got["deployment_id"].(string)
}

// monitor is the loop of the document: it asks how a deployment stands until it has ended.
func (b *bot) monitor(t *testing.T, id string) object {
	t.Helper()
	var got object
	eventually(t, func() bool {
		got = b.get(t, "/api/deployments/"+id)
		return slices.Contains([]string{"completed", "failed", "cancelled"}, got["status"].(string))
	}, "%s has not ended", id)
	return got
}

func (b *bot) completes(t *testing.T, id string) {
	t.Helper()
	got := b.monitor(t, id)
	require.Equal(t, "completed", got["status"], "%v", got)
}

// list is the deployments that a query shows.
func (b *bot) list(t *testing.T, query string) []object {
	t.Helper()
	a := b.answered(t, request{method: "GET", path: "/compat/modes/api/deployments" + query})
	var rows []object
	require.NoError(t, json.Unmarshal(a.body, &rows), "%s", a)
	return rows
}

func mustText(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

// gate holds deployments on their hosts, by a hook, until it is opened.
type gate struct{ file string }

func newGate(t *testing.T) gate { return gate{filepath.Join(t.TempDir(), "open")} }

func (g gate) hooks() object {
	return object{"before": []object{{"name": "gate", "command": `touch "$HOME/held"; until [ -e ` + g.file + " ]; do sleep 0.05; done"}}}
}

// holds waits until a deployment stands before the gate on this host. That it runs says less: it may be connecting.
func (g gate) holds(t *testing.T, h *hosttest.Host) {
	t.Helper()
	held := filepath.Join(h.Home, "held")
	eventually(t, func() bool { _, err := os.Stat(held); return err == nil }, "%s is not held", h.Name)
}

func (g gate) open(t *testing.T) {
	t.Helper()
	require.NoError(t, os.WriteFile(g.file, nil, 0o644))
}

// caller is the receiver of callbacks.
type caller struct {
	*httptest.Server
	mu   sync.Mutex
	told []object
}

func newCaller(t *testing.T) *caller {
	c := &caller{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		var body object
		_ = json.Unmarshal(text, &body)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.told = append(c.told, body)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *caller) got() []object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.told)
}

func TestModesSkipsChecksHeedsItsTimeoutAndStartsAgain(t *testing.T) {
	t.Parallel()
	b := startBot(t, hosttest.Start(t, 1), object{
		"runtime": object{"kind": "auto", "python": object{"offline": true}},
		"restart": object{"command": `echo "$GREETING" >>"$HOME/told"`},
		"checks":  []object{{"name": "never", "command": "false", "tries": 1}},
	})
	told := func() string { return read(t, b.hosts[0], filepath.Join(b.hosts[0].Home, "told")) }
	b.release(t, "1", nil)
	hello := object{"environment_variables": object{"GREETING": "hello there"}}
	failed := b.monitor(t, b.start(t, object{"mode": "fallback", "config": hello}))
	require.Equal(t, "failed", failed["status"])
	require.Contains(t, failed["error"], "never")
	id := b.start(t, object{"mode": "fallback", "config": hello, "skip_health_check": true})
	b.completes(t, id)

	status, got := b.ask(t, "POST", "/api/deployments/"+id+"/restart", nil)
	require.Equal(t, http.StatusAccepted, status, "%v", got)
	require.Regexp(t, `^fallback_`, got["deployment_id"])
	require.NotEqual(t, id, got["deployment_id"])
	b.completes(t, got["deployment_id"].(string))
	require.Equal(t, 3, strings.Count(told(), "hello there\n"), "with what it was told then")

	// What runs is not built anew under it.
	failed = b.monitor(t, b.start(t, object{"mode": "fallback", "config": hello, "skip_health_check": true, "force_rebuild": true}))
	require.Equal(t, "failed", failed["status"])
	require.Contains(t, failed["error"], "not made anew under it")

	g := newGate(t)
	b.native(t, "/v1/projects/roas/templates", object{"name": "slow", "defaults": object{
		"runtime": object{"kind": "auto", "python": object{"offline": true}}, "hooks": g.hooks(),
	}})
	late := b.monitor(t, b.start(t, object{"mode": "fallback", "timeout": 1, "config": object{"profile": "slow"}}))
	require.Equal(t, "failed", late["status"])
	g.open(t)
}

func TestModesShowsTheServicesThatTakePart(t *testing.T) {
	t.Parallel()
	b := startBot(t, nil, nil)
	var services object
	eventually(t, func() bool {
		services = b.get(t, "/api/services")
		for _, name := range []string{"DeploymentServiceAPI", "slipway-scheduler", "slipway-executor", "slipway-history"} {
			if s, there := services[name].(object); !there || s["health"] != "healthy" {
				return false
			}
		}
		return true
	}, "the services register themselves")
	found := b.get(t, "/api/services/discover")["deployment_services"].([]any)
	require.Len(t, found, len(services))
	for _, one := range found {
		require.NotEmpty(t, one.(object)["name"])
		require.Equal(t, "deployment", one.(object)["type"])
	}
	require.Equal(t, "running", b.get(t, "/api/services/DeploymentServiceAPI")["status"])
	var health object
	eventually(t, func() bool { // it has a second to answer in
		health = b.get(t, "/api/services/slipway-executor/health")
		return health["status"] == "healthy"
	}, "it does not answer")
	require.NotEmpty(t, health["replicas"])
	status, _ := b.ask(t, "GET", "/api/services/nobody/health", nil)
	require.Equal(t, http.StatusNotFound, status)
	happened := func() (types []string) {
		a := b.answered(t, request{method: "GET", path: "/compat/modes/api/services/DeploymentServiceAPI/events"})
		var events []object
		require.NoError(t, json.Unmarshal(a.body, &events), "%s", a)
		for _, one := range events {
			require.Contains(t, one["message"], "DeploymentServiceAPI")
			// Its last word may come too late for a broker that stops with it: it is found to be lost then. What is taken to be
			// lost and is there comes back, and that is told as well.
			if what := one["event_type"].(string); what != "stopped" && what != "lost" {
				types = append(types, what)
			}
		}
		return types
	}
	life := []string{"started", "ready"}
	eventually(t, func() bool { return slices.Equal(life, happened()) }, "%v", life)
	require.Zero(t, b.process.terminate())
	b.process.start()
	b.process.awaitLog(`Slipway listens on (http://\S+)`)
	life = append(life, "stopping", "started", "ready")
	eventually(t, func() bool { return slices.Equal(life, happened()) }, "the newest is the last: %v", life)
}
