package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// requireForm holds an answer to what the document shows: the same fields, of the same kinds. What is in metadata is what the
// client has noted, and not looked at here.
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
	noted := object{"initiated_by": "user_12345", "deployment_reason": "feature_update"}
	require.Equal(t, object{"initiated_by": "user_12345", "deployment_reason": "feature_update", "api_version": "1.0.0"}, got["metadata"])
	require.GreaterOrEqual(t, got["estimated_duration"], 1.0, "of the run before")

	eventually(t, func() bool { return b.get(t, "/api/deployments/"+id)["status"] == "running" }, "it runs")
	now := b.get(t, "/api/deployments/"+id)
	requireForm(t, shownStatus, now, "is_active")
	require.Equal(t, true, now["is_active"])
	require.Equal(t, noted, now["metadata"])
	requireForm(t, shownProgress, b.get(t, "/api/deployments/"+id+"/progress"))
	rows := b.list(t, "?limit=50")
	require.Len(t, rows, 2)
	requireForm(t, shownActive, rows[0])
	require.Equal(t, noted, rows[0]["metadata"])
	requireForm(t, shownEnded, rows[1], "metadata")
	eventually(t, func() bool { return b.get(t, "/api/deployment/health")["active_deployments"] == 1.0 }, "one is under way")

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
		a := b.answered(t, request{method: "GET", path: base + "/api/deployments/" + id + "/logs/"})
		require.Equal(t, http.StatusOK, a.status, "%s", a)
		a = b.answered(t, request{method: "GET", path: base + "/api/deployments/" + id + "/logs"})
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
