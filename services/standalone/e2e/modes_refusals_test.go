package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

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
	var health object
	eventually(t, func() bool {
		health = b.get(t, "/api/deployment/health")
		return health["active_deployments"] == 3.0
	}, "three are under way")
	require.Equal(t, 3.0, health["max_concurrent_deployments"])
	for batch, want := range map[string][]string{"batch_0": {held[0], held[2]}, "batch_1": {held[1]}} {
		var found []string
		for _, row := range b.list(t, "?limit=5&batch_id="+batch) {
			found = append(found, row["deployment_id"].(string))
			require.Equal(t, object{"batch_id": batch}, row["metadata"])
		}
		require.ElementsMatch(t, want, found, batch)
	}
	require.Equal(t, object{"batch_id": "batch_1"}, b.get(t, "/api/deployments/"+held[1])["metadata"])

	for i, id := range held {
		g.holds(t, hosts[i]) // a hook is not cut short, so what is cancelled here is stopping until the gate opens
		eventually(t, func() bool { return b.get(t, "/api/deployments/"+id)["status"] == "running" }, "it runs")
		if i > 0 {
			continue
		}
		status, got := b.ask(t, "POST", "/api/deployments/"+id+"/cancel", nil)
		require.Equal(t, http.StatusOK, status, "%v", got)
		requireForm(t, shownCancel, got)
		require.Equal(t, []any{id, "cancelled", "部署已取消"}, []any{got["deployment_id"], got["status"], got["message"]})
	}
	// The answer may come before the executor can know of it.
	eventually(t, func() bool {
		return len(all[deployment](t, b.client, "/v1/deployments", url.Values{"state": {"stopping"}})) == 1
	}, "it is not stopped")
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
	require.Equal(t, 1.0, b.health(t)["statistics"].(object)["cancelled_deployments"])
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
	requireNoPython(t, b)
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
		a := b.answered(t, request{
			method: "POST", path: "/compat/modes/api/deployments", body: object{"mode": "fallback"}, header: map[string]string{"Idempotency-Key": "once"},
		})
		require.Equal(t, http.StatusAccepted, a.status, "%s", a)
		var got object
		require.NoError(t, json.Unmarshal(a.body, &got))
		repeated[got["deployment_id"].(string)] = true
	}
	require.Len(t, repeated, 1, "a repeat begins nothing")
}

// requireNoPython has what people take from a program, or send as a form, be no request, whatever its type says; and JSON be
// JSON, also where curl -d says that it is a form.
func requireNoPython(t *testing.T, b *bot) {
	t.Helper()
	before := len(b.list(t, ""))
	const curl = "application/x-www-form-urlencoded"
	for _, media := range []string{"application/json", "text/plain", curl} {
		send := func(body string) (int, string) {
			a := b.answered(t, request{
				method: "POST", path: "/compat/modes/api/deployments", body: []byte(body), header: map[string]string{"Content-Type": media},
			})
			return a.status, string(a.body)
		}
		for body, why := range map[string]string{
			"{'mode': 'uv', 'force_rebuild': False}":          "a string in Python",
			"# start\n{'mode': 'uv', 'force_rebuild': False}": "begins a comment",
			"request = {'mode': 'uv'}":                        "as Python and forms do",
			"DeploymentRequest(mode='k8s')":                   "a call in Python",
			"mode=fallback&force_rebuild=1":                   "as Python and forms do",
		} {
			status, got := send(body)
			require.Equal(t, http.StatusBadRequest, status, "%s %s: %s", media, body, got)
			require.Contains(t, got, `"error":"DeploymentError"`)
			require.Contains(t, got, why, body)
		}
		status, got := send(`{"mode": "k8s", "environment": "moon"}`)
		require.Equal(t, http.StatusBadRequest, status, "%s: %s", media, got)
		require.Contains(t, got, `"details":{"mode":`, "it is read as JSON")
	}
	require.Len(t, b.list(t, ""), before, "nothing was begun")
}
