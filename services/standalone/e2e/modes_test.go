package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/dockertest"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/proctest"
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
	b.standalone = startStandalone(t, "--gateway-webhooks-allow", "127.0.0.0/8",
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
	a, err := b.do(request{method: method, path: "/compat/modes" + path, body: body})
	require.NoError(t, err)
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
	a, err := b.do(request{method: "GET", path: "/compat/modes/api/deployments" + query})
	require.NoError(t, err)
	var rows []object
	require.NoError(t, json.Unmarshal(a.body, &rows), "%s", a)
	return rows
}

// requireForm holds an answer to what the document shows: the same fields, of the same kinds.
func requireForm(t *testing.T, document string, got object, beside ...string) {
	t.Helper()
	var want object
	require.NoError(t, json.Unmarshal([]byte(document), &want))
	for name, value := range want {
		require.Contains(t, got, name)
		require.IsType(t, value, got[name], name)
		if inner, nested := value.(object); nested && name != "metadata" {
			requireForm(t, mustText(t, inner), got[name].(object))
		}
	}
	for name := range got {
		if _, shown := want[name]; !shown {
			require.Contains(t, beside, name, "the document does not show it")
		}
	}
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
	return object{"before": []object{{"name": "gate", "command": "until [ -e " + g.file + " ]; do sleep 0.05; done"}}}
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

// shown is the request of the document, with a callback to a real receiver.
func shownRequest(mode, callback string) object {
	return object{
		"mode": mode,
		"config": object{
			"environment_variables": object{"DISCORD_TOKEN": "your-bot-token", "DATABASE_URL": "sqlite:///bot.db", "PORT": 80},
			"profile":               "development",
		},
		"environment": "dev", "timeout": 300, "force_rebuild": false, "skip_health_check": false, "callback_url": callback,
		"metadata": object{"initiated_by": "user_12345", "deployment_reason": "feature_update"},
	}
}

// What the document answers.
const (
	shownStart = `{"deployment_id": "uv_20250827_100000_a1b2c3d4", "status": "accepted", "message": "部署已開始", "mode": "uv",
		"start_time": "2025-08-27T10:00:00Z", "estimated_duration": 120, "progress_url": "", "logs_url": "", "metadata": {}}`
	shownStatus = `{"deployment_id": "", "status": "running", "mode": "uv", "start_time": "", "current_step": "安裝依賴",
		"progress_percentage": 65.0, "estimated_time_remaining": 45, "logs_available": true, "metadata": {}}`
	shownProgress = `{"deployment_id": "", "current_step": "配置環境", "progress_percentage": 75.0, "completed_steps": 3, "total_steps": 5,
		"estimated_time_remaining": 30, "last_update": "2025-08-27T10:02:30Z"}`
	shownCancel = `{"deployment_id": "", "status": "cancelled", "message": "部署已取消", "cancelled_at": "2025-08-27T10:03:00Z"}`
	shownEnded  = `{"deployment_id": "", "status": "completed", "mode": "uv", "start_time": "", "end_time": "", "duration_seconds": 135, "is_active": false}`
	shownActive = `{"deployment_id": "", "status": "running", "mode": "docker", "start_time": "", "is_active": true, "metadata": {}}`
	shownHealth = `{"api_status": "ready", "timestamp": "", "version": "1.0.0",
		"deployment_managers": {"docker": {"status": "available"}, "uv": {"status": "available"}, "fallback": {"status": "available"}},
		"active_deployments": 0, "max_concurrent_deployments": 3,
		"system_resources": {"cpu_percent": 25.3, "memory_percent": 45.2, "disk_percent": 60.1},
		"statistics": {"total_deployments": 15, "successful_deployments": 12, "failed_deployments": 2, "cancelled_deployments": 1, "average_deployment_time": 145.3}}`
)

func TestModesDeploysAndTellsAsItsDocumentShows(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	b := startBot(t, hosttest.Start(t, 1), object{
		"runtime": object{"kind": "auto", "python": object{"offline": true}}, "hooks": g.hooks(),
		"restart": object{"command": `echo "$DISCORD_TOKEN $DATABASE_URL $PORT" >>"$HOME/told"; echo begun`},
	})
	b.release(t, "1", nil)
	g.open(t)
	first := b.start(t, shownRequest("fallback", ""))
	b.completes(t, first)
	require.Equal(t, "your-bot-token sqlite:///bot.db 80\n", read(t, b.hosts[0], filepath.Join(b.hosts[0].Home, "told")))

	require.NoError(t, os.Remove(g.file))
	rc := newCaller(t)
	status, got := b.ask(t, "POST", "/api/deployments/", shownRequest("fallback", rc.URL))
	require.Equal(t, http.StatusAccepted, status, "%v", got)
	requireForm(t, shownStart, got)
	id := got["deployment_id"].(string)
	require.Regexp(t, `^fallback_\d{8}_\d{6}_[0-9a-f]{8}$`, id)
	require.Equal(t, "部署已開始", got["message"])
	require.Equal(t, "/api/deployments/"+id+"/progress", got["progress_url"])
	require.Equal(t, "/api/deployments/"+id+"/logs", got["logs_url"])
	require.Equal(t, object{"initiated_by": "user_12345", "deployment_reason": "feature_update", "api_version": "1.0.0"}, got["metadata"])
	require.GreaterOrEqual(t, got["estimated_duration"], 1.0, "of the run before")

	eventually(t, func() bool { return b.get(t, "/api/deployments/"+id)["status"] == "running" }, "it runs")
	now := b.get(t, "/api/deployments/"+id)
	requireForm(t, shownStatus, now, "is_active")
	require.Equal(t, true, now["is_active"])
	requireForm(t, shownProgress, b.get(t, "/api/deployments/"+id+"/progress"))
	rows := b.list(t, "?limit=50")
	require.Len(t, rows, 2)
	requireForm(t, shownActive, rows[0])
	requireForm(t, shownEnded, rows[1], "metadata")
	require.Equal(t, 1.0, b.get(t, "/api/deployment/health")["active_deployments"])

	g.open(t)
	b.completes(t, id)
	progress := b.get(t, "/api/deployments/"+id+"/progress")
	requireForm(t, shownProgress, progress)
	require.Equal(t, []any{"部署完成", 100.0, 5.0, 5.0, 0.0}, []any{
		progress["current_step"], progress["progress_percentage"], progress["completed_steps"], progress["total_steps"], progress["estimated_time_remaining"],
	})
	requireCallbacks(t, rc, id)
	requireLogs(t, b, id)
	require.Len(t, b.list(t, "?limit=1"), 1)
	require.Empty(t, b.list(t, "?batch_id=none"))

	requireNoSecrets(t, b.standalone, nil, secrets{"a variable": "your-bot-token", "another": "sqlite:///bot.db"})
}

// requireCallbacks holds what the receiver was told to the document: each change, in order, to the end.
func requireCallbacks(t *testing.T, rc *caller, id string) {
	t.Helper()
	eventually(t, func() bool {
		told := rc.got()
		return len(told) > 0 && told[len(told)-1]["progress_percentage"] == 100.0
	}, "the receiver is not told of the end")
	last, steps := -1.0, []string{}
	for _, one := range rc.got() {
		requireForm(t, `{"deployment_id": "", "current_step": "", "progress_percentage": 50.0, "timestamp": ""}`, one)
		require.Equal(t, id, one["deployment_id"])
		require.GreaterOrEqual(t, one["progress_percentage"], last)
		last = one["progress_percentage"].(float64)
		steps = append(steps, one["current_step"].(string))
	}
	for _, step := range []string{"連接伺服器", "執行前置任務", "傳輸檔案", "安裝依賴", "配置環境", "啟動服務", "部署完成"} {
		require.Contains(t, steps, step)
	}
}

// requireLogs reads the logs where the answer says they are, by both ways in which clients resolve that.
func requireLogs(t *testing.T, b *bot, id string) {
	t.Helper()
	for _, base := range []string{"/compat/modes", ""} { // as a text behind the base URL, and against the host
		a, err := b.do(request{method: "GET", path: base + "/api/deployments/" + id + "/logs/"})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.status, "%s", a)
		a, err = b.do(request{method: "GET", path: base + "/api/deployments/" + id + "/logs"})
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.status, "%s", a)
		var got struct {
			Logs []struct{ Level, Server, Step, Message, Timestamp string }
		}
		require.NoError(t, json.Unmarshal(a.body, &got))
		said := map[string]bool{}
		for _, line := range got.Logs {
			require.NotEmpty(t, line.Timestamp)
			said[line.Step+" "+line.Message] = true
		}
		for _, line := range []string{"restart begun", "prepare 安裝依賴: 開始", "switch 配置環境: 完成"} {
			require.True(t, said[line], "%s: %v", line, said)
		}
	}
}

// uvOf is where .ci/deps puts uv.
func uvOf(t *testing.T) string {
	t.Helper()
	uv, err := filepath.Abs("../../../build/uv/bin/uv")
	require.NoError(t, err)
	require.FileExists(t, uv, "make deps")
	return uv
}

func TestModesRunsByDockerUVAndPip(t *testing.T) {
	t.Parallel()
	docker := dockertest.Start(t)
	with := hosttest.Start(t, 1, hosttest.WithEnvironment("DOCKER_HOST="+docker.Host, "PATH="+filepath.Dir(docker.Program())+":/usr/bin:/bin:/usr/sbin:/sbin"))[0]
	without := hosttest.Start(t, 2)[1]
	b := startBot(t, []*hosttest.Host{with}, object{
		"runtime": object{
			"kind": "auto", "python": object{"offline": true, "uv": uvOf(t)}, "docker": object{"network": "host", "settle": "1s"},
		},
		"restart": object{"command": `echo runs >>"$HOME/told"`},
	})
	b.add(t, specOf(without))
	b.native(t, "/v1/projects/roas/stages", object{"name": "bare", "defaults": object{"servers": []string{without.Name}}})
	release := func(version string) {
		b.release(t, version, content{"Dockerfile": dockertest.Plain, "server": string(dockertest.Server(t)), "version": version})
	}
	containers := func() string {
		return strings.TrimSpace(docker.Run("container", "ls", "--filter", "status=running", "--format", `{{.Label "slipway.version"}}`))
	}
	free := object{"environment_variables": object{"LISTEN": fmt.Sprintf("127.0.0.1:%d", proctest.ReservePort(t))}}
	choose := func() string { // as the document does
		managers := b.get(t, "/api/deployment/health")["deployment_managers"].(object)
		for _, mode := range []string{"docker", "uv"} {
			if managers[mode].(object)["status"] == "available" {
				return mode
			}
		}
		return "fallback"
	}
	require.Equal(t, "fallback", choose(), "nothing was met on hosts")

	release("1")
	shown := shownRequest("uv", "")
	maps.Copy(shown["config"].(object)["environment_variables"].(object), free["environment_variables"].(object))
	b.completes(t, b.start(t, shown))
	requireRunsAt(t, with, "1")
	require.FileExists(t, filepath.Join(with.Home, "apps/roas-bot/current/.venv/bin/python"))
	require.Equal(t, "uv", choose())
	release("2")
	b.completes(t, b.start(t, object{"mode": "fallback", "config": free}))
	require.FileExists(t, filepath.Join(with.Home, "apps/roas-bot/current/.venv/bin/pip"))
	release("3")
	b.completes(t, b.start(t, object{"mode": "docker", "config": free}))
	require.Equal(t, "3", containers())
	require.Equal(t, "docker", choose())

	// What is built anew is built without the cache, also for a release that runs.
	built := docker.Run("image", "ls", "--quiet", "--filter", "label=slipway.version=3")
	id := b.start(t, object{"mode": "docker", "config": free, "force_rebuild": true})
	b.completes(t, id)
	require.NotEmpty(t, built)
	require.Equal(t, "3", containers())
	require.NotContains(t, mustText(t, b.get(t, "/api/deployments/"+id+"/logs")), "Using cache")

	// auto is docker where there is one, and what else a host has where there is none.
	release("4")
	b.completes(t, b.start(t, object{"mode": "auto", "config": free}))
	require.Equal(t, "4", containers())
	b.completes(t, b.start(t, object{"mode": "auto", "environment": "bare", "config": free}))
	require.FileExists(t, filepath.Join(without.Home, "apps/roas-bot/current/.venv/bin/python"))
	requireRunsAt(t, without, "4")

	// A deployment that fails is tried in another mode, as the document does.
	b.release(t, "5", nil)
	failed := b.monitor(t, b.start(t, object{"mode": "docker", "config": free}))
	require.Equal(t, "failed", failed["status"])
	require.Contains(t, failed["error"], "Dockerfile is not in the release")
	require.Equal(t, "部署失敗", failed["current_step"])
	b.completes(t, b.start(t, object{"mode": "fallback", "config": free}))
	requireRunsAt(t, with, "5")
	health := b.get(t, "/api/deployment/health")
	requireForm(t, shownHealth, health)
	for _, name := range []string{"memory_percent", "disk_percent"} {
		read := health["system_resources"].(object)[name]
		require.Greater(t, read, 0.0, name)
		require.Less(t, read, 100.0, name)
	}
	counted := health["statistics"].(object)
	require.Equal(t, []any{8.0, 7.0, 1.0, 0.0}, []any{
		counted["total_deployments"], counted["successful_deployments"], counted["failed_deployments"], counted["cancelled_deployments"],
	})
	require.Greater(t, counted["average_deployment_time"], 0.0)
}

// requireRunsAt holds a host to the version that runs there.
func requireRunsAt(t *testing.T, h *hosttest.Host, version string) {
	t.Helper()
	require.Equal(t, version, runs(t, h, "apps/roas-bot"))
}

func TestModesBoundsHowManyAreUnderWayAndCancels(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	hosts := hosttest.Start(t, 4)
	b := startBot(t, hosts, object{"hooks": g.hooks(), "runtime": object{"kind": "auto", "python": object{"offline": true}}})
	b.release(t, "1", nil)
	var held []string
	for i, h := range hosts { // a batch, as the document begins one
		stage := fmt.Sprintf("host-%d", i)
		b.native(t, "/v1/projects/roas/stages", object{"name": stage, "defaults": object{"servers": []string{h.Name}}})
		body := object{"mode": "auto", "environment": stage, "metadata": object{"batch_id": fmt.Sprintf("batch_%d", i%2)}}
		if i < 3 {
			held = append(held, b.start(t, body))
			continue
		}
		status, got := b.ask(t, "POST", "/api/deployments", body)
		require.Equal(t, http.StatusTooManyRequests, status, "%v", got)
		require.Equal(t, "DeploymentError", got["error"])
		require.Contains(t, got["message"], "併發限制")
	}
	eventually(t, func() bool { return b.get(t, "/api/deployment/health")["active_deployments"] == 3.0 }, "three are under way")
	require.Equal(t, 3.0, b.get(t, "/api/deployment/health")["max_concurrent_deployments"])
	require.Len(t, b.list(t, "?batch_id=batch_0"), 2)
	require.Len(t, b.list(t, "?batch_id=batch_1&limit=5"), 1)

	for i, id := range held {
		eventually(t, func() bool { return b.get(t, "/api/deployments/"+id)["status"] == "running" }, "it runs")
		if i > 0 {
			continue
		}
		status, got := b.ask(t, "POST", "/api/deployments/"+id+"/cancel", nil)
		require.Equal(t, http.StatusOK, status, "%v", got)
		requireForm(t, shownCancel, got)
		require.Equal(t, []any{id, "cancelled", "部署已取消"}, []any{got["deployment_id"], got["status"], got["message"]})
	}
	g.open(t)
	require.Equal(t, "cancelled", b.monitor(t, held[0])["status"])
	for _, id := range held[1:] {
		b.completes(t, id)
	}
	status, got := b.ask(t, "POST", "/api/deployments/"+held[1]+"/cancel", nil)
	require.Equal(t, http.StatusConflict, status, "%v", got)
	eventually(t, func() bool { // as the document waits for a place
		h := b.get(t, "/api/deployment/health")
		return h["active_deployments"].(float64) < h["max_concurrent_deployments"].(float64)
	}, "no place is free")
	b.completes(t, b.start(t, object{"mode": "auto", "environment": "host-3"}))
	require.Equal(t, 1.0, b.get(t, "/api/deployment/health")["statistics"].(object)["cancelled_deployments"])
}

func TestModesKnowsWhoMayAndSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := startBot(t, hosttest.Start(t, 1), object{"runtime": object{"kind": "auto", "python": object{"offline": true}}})
	status, got := b.ask(t, "POST", "/api/deployments", object{"mode": "fallback"})
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, got["message"], "應用程式還沒有套件")
	b.release(t, "1", nil)
	id := b.start(t, object{"mode": "fallback"})
	b.completes(t, id)

	for role, may := range map[string]bool{"viewer": false, "deployer": false, "administrator": true} {
		token := must[struct{ Token string }](t, b.client, request{method: "POST", path: "/v1/tokens", body: object{
			"name": role, "grants": []object{{"role": role}},
		}}, http.StatusCreated).Token
		as := &bot{standalone: &standalone{client: newClient(t, t.TempDir(), b.url, token)}}
		as.get(t, "/api/deployments/"+id)
		as.get(t, "/api/deployments/"+id+"/progress")
		as.get(t, "/api/deployment/health")
		require.NotEmpty(t, as.list(t, ""))
		for _, path := range []string{"", "/" + id + "/cancel", "/" + id + "/restart"} {
			status, got := as.ask(t, "POST", "/api/deployments"+path, object{"mode": "nothing"})
			require.Equal(t, !may, status == http.StatusForbidden, "%s %s: %v", role, path, got)
			if !may {
				require.Equal(t, "PermissionError", got["error"])
				require.Contains(t, got["message"], "用戶沒有部署權限")
			}
			if may && path == "/"+id+"/restart" {
				again := got["deployment_id"].(string)
				require.Equal(t, "部署已重新開始", got["message"])
				as.completes(t, again)
			}
		}
	}
	stranger := &bot{standalone: &standalone{client: newClient(t, t.TempDir(), b.url, "slw_nobody")}}
	status, got = stranger.ask(t, "GET", "/api/deployments/"+id, nil)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, "PermissionError", got["error"])

	for field, body := range map[string]object{
		"mode":                              {"mode": "k8s"},
		"timeout":                           {"timeout": "soon"},
		"config":                            {"config": "production"},
		"config.profile":                    {"config": object{"profile": "none"}},
		"environment":                       {"environment": "moon"},
		"callback_url":                      {"callback_url": "http://10.0.0.1/"},
		"metadata.modes.mode":               {"metadata": object{"modes.mode": "uv"}},
		"config.environment_variables.A-B":  {"config": object{"environment_variables": object{"A-B": "1"}}},
		"config.environment_variables.LIST": {"config": object{"environment_variables": object{"LIST": []string{"a"}}}},
	} {
		status, got := b.ask(t, "POST", "/api/deployments", body)
		require.Equal(t, http.StatusBadRequest, status, "%s: %v", field, got)
		require.Contains(t, got["details"], field)
		require.Contains(t, got["message"], field)
	}
	a, err := b.do(request{
		method: "POST", path: "/compat/modes/api/deployments", body: []byte("{'mode': 'uv', 'force_rebuild': False}"),
		header: map[string]string{"Content-Type": "application/json"},
	})
	require.NoError(t, err)
	require.Equal(t, http.StatusBadRequest, a.status, "%s", a)
	require.Contains(t, string(a.body), "Python")
	for _, path := range []string{"/api/deployments/uv_20250827_100000_a1b2c3d4", "/api/deployments/nothing/logs", "/api/deployments/" + strings.Replace(id, "fallback", "uv", 1)} {
		status, _ := b.ask(t, "GET", path, nil)
		require.Equal(t, http.StatusNotFound, status, path)
	}

	// Numbers and booleans as text; no callback where nobody is to be notified.
	rc := newCaller(t)
	quiet := b.start(t, object{
		"mode": "FALLBACK", "timeout": "300", "skip_health_check": "True", "callback_url": rc.URL, "config": object{"notifications_enabled": "False"},
	})
	b.completes(t, quiet)
	loud := b.start(t, object{"mode": "auto", "callback_url": rc.URL, "config": object{"notifications_enabled": true}})
	b.completes(t, loud)
	eventually(t, func() bool { return len(rc.got()) > 0 }, "who is to be notified is told")
	for _, one := range rc.got() {
		require.Equal(t, loud, one["deployment_id"])
	}
	repeated := map[string]bool{}
	for range 2 {
		a, err := b.do(request{
			method: "POST", path: "/compat/modes/api/deployments", body: object{"mode": "fallback"}, header: map[string]string{"Idempotency-Key": "once"},
		})
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.status, "%s", a)
		var got object
		require.NoError(t, json.Unmarshal(a.body, &got))
		repeated[got["deployment_id"].(string)] = true
	}
	require.Len(t, repeated, 1, "a repeat begins nothing")
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
	health := b.get(t, "/api/services/slipway-executor/health")
	require.Equal(t, "healthy", health["status"])
	require.NotEmpty(t, health["replicas"])
	status, _ := b.ask(t, "GET", "/api/services/nobody/health", nil)
	require.Equal(t, http.StatusNotFound, status)
	a, err := b.do(request{method: "GET", path: "/compat/modes/api/services/DeploymentServiceAPI/events"})
	require.NoError(t, err)
	var events []object
	require.NoError(t, json.Unmarshal(a.body, &events), "%s", a)
	require.NotEmpty(t, events)
	require.Equal(t, "ready", events[len(events)-1]["event_type"])
	require.Contains(t, events[0]["message"], "DeploymentServiceAPI")
}
