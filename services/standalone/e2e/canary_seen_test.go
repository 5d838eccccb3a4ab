package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/otlptest"
)

// look reads what there is to read, so that it is in the transcript.
func (a *aviary) look(names []string, failed string) {
	for _, path := range []string{"servers", "packages", "deployments", "webhooks", "tokens", "running", "statistics", "history", "locks"} {
		got := a.try("GET", "/v1/"+path, nil)
		require.Equal(a.t, http.StatusOK, got.status, "%s: %s", path, got)
	}
	for _, entry := range all[map[string]any](a.t, a.client, "/v1/audit", nil) {
		require.NotEmpty(a.t, entry)
	}
	for _, hook := range all[server](a.t, a.client, "/v1/webhooks", nil) {
		require.NotEmpty(a.t, all[map[string]any](a.t, a.client, "/v1/webhooks/"+hook.ID+"/deliveries", nil))
	}
	a.releases(a.t, app, names...)
	for _, format := range []string{"text", "ndjson"} {
		got := a.try("GET", "/v1/deployments/"+failed+"/logs?format="+format, nil)
		require.Equal(a.t, http.StatusOK, got.status, "%s", got)
		require.Contains(a.t, string(got.body), "***", "what the hook has said is there, but for the secrets")
	}
	a.socket("/v1/deployments/"+failed+"/events", http.Header{"Authorization": {"Bearer " + a.token}})
}

// socket reads what a WebSocket shows of a deployment that has ended, so that it is in the transcript.
func (a *aviary) socket(path string, header http.Header) {
	address := strings.Replace(a.url, "http", "ws", 1) + path
	conn, _, err := websocket.Dial(a.t.Context(), address, &websocket.DialOptions{HTTPHeader: header}) //nolint:bodyclose // of a handshake, there is none
	require.NoError(a.t, err)
	defer conn.CloseNow()
	messages := 0
	for ; ; messages++ {
		_, text, err := conn.Read(a.t.Context())
		if err != nil {
			require.Equal(a.t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "%v", err)
			break
		}
		_, err = fmt.Fprintf(a.transcript, "%s\n", text)
		require.NoError(a.t, err)
	}
	require.Greater(a.t, messages, 2)
}

// operators are shown what the installation counts, and what it is doing.
func (a *aviary) operators() {
	c := newClient(a.t, a.dir, "http://"+a.process.awaitLog(operatorsAt), a.operator)
	for _, path := range []string{"/metrics", "/healthz", "/readyz", "/debug/pprof/goroutine?debug=2", "/debug/pprof/heap?debug=1"} {
		got, err := c.do(request{method: "GET", path: path})
		require.NoError(a.t, err)
		require.Equal(a.t, http.StatusOK, got.status, "%s: %s", path, got)
		require.NotEmpty(a.t, got.body)
	}
	got, err := c.do(request{method: "GET", path: "/debug/pprof/cmdline"})
	require.NoError(a.t, err)
	require.Equal(a.t, http.StatusNotFound, got.status, "flags may have secrets")
}

// rotated is crashed and gets new keys while a deployment waits, whose secrets arrive all the same.
func (a *aviary) rotated(h *hosttest.Host) {
	secret, sealed := a.canary("a secret of before a crash"), a.canary("a sealed variable of before a crash")
	id := a.waiting(h, secret, sealed)
	a.process.signal(syscall.SIGQUIT, true)
	require.Contains(a.t, a.process.output(), "SIGQUIT: quit", "it says what every goroutine does")
	p := newProcess(a.t, a.dir, "rotate", "slipway-standalone", "rotate-keys", "--data", a.data)
	p.start()
	require.Zero(a.t, p.awaitExit(), p.output())
	a.process.start()
	a.process.awaitLog(`Slipway listens on`)
	a.approve(h, id, secret, sealed)
}

// traced writes every span down among the files that are looked at.
func (a *aviary) traced() {
	a.spans.Await(a.t, func(all []otlptest.Span) bool {
		steps := map[string]bool{}
		for _, s := range all {
			steps[s.Name] = true
		}
		return steps["POST /v1/deployments"] && steps["POST /v1/servers/import"] && steps["job"] && steps["after"]
	}, "of requests and jobs")
	require.NoError(a.t, os.WriteFile(filepath.Join(a.dir, "spans"), a.spans.Raw(), 0o600))
}
