package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// tell stores an event of a deployment of no project, or of it on a host, as services do.
func (f *fixture) tell(deployment, host string, body contract.Body) uint64 {
	f.Helper()
	return f.tellOf("", deployment, host, body)
}

// tellOf is tell of a deployment of a project.
func (f *fixture) tellOf(project, deployment, host string, body contract.Body) uint64 {
	f.Helper()
	e := contract.Envelope{Deployment: deployment, Project: project, Host: host}
	subject := contract.SystemEventSubject(deployment)
	if host != "" {
		subject, e.Attempt = contract.JobEventSubject(deployment, host), 1
	}
	if _, said := body.(contract.JobOutputEvent); said {
		subject = contract.OutputSubject(deployment, host)
	}
	data, err := contract.Encode(e, body)
	require.NoError(f, err)
	seq, err := f.bus.Publish(f.Context(), subject, "", data)
	require.NoError(f, err)
	return seq
}

// story stores all kinds of events of a deployment, and returns how many are shown.
func (f *fixture) story(deployment string) int {
	f.Helper()
	now := time.Now().UTC()
	why := &contract.Failure{Code: "auth", Reason: "no key fits"}
	f.tell(deployment, "", contract.AcceptedEvent{Kind: "init", Application: "shop", Actor: "ann", Targets: 1, Waves: 1, AcceptedAt: now})
	f.tell(deployment, "", contract.PlannedEvent{Targets: []contract.PlannedTarget{{Host: "h1", Name: "web-1"}}})
	f.tell(deployment, "", contract.StatusEvent{State: "running"})
	f.tell(deployment, "", contract.WaveEvent{})
	f.tell(deployment, "h1", contract.JobStartedEvent{Executor: "e1", Step: "connect"})
	f.tell(deployment, "h1", contract.JobStepEvent{Step: "connect", State: "succeeded", StartedAt: now, EndedAt: &now, Next: "stage"})
	f.tell(deployment, "h1", contract.JobProgressEvent{Step: "stage", Done: 1, Total: 2})
	f.tell(deployment, "h1", contract.JobOutputEvent{Step: "stage", First: 1, Lines: []contract.OutputLine{
		{Time: now, Stream: "stdout", Level: "info", Text: "hello"},
	}})
	f.tell(deployment, "h1", contract.JobEndedEvent{
		State: "failed", Failure: why, Step: &contract.LastStep{Step: "stage", State: "failed", StartedAt: now, EndedAt: now, Failure: why},
	})
	f.tell(deployment, "", contract.ConcludedEvent{State: "failed", Cause: "hosts_failed"})
	return 10
}

// stream is a connection that shows events.
type stream struct {
	testing.TB
	lines *bufio.Reader
	read  bytes.Buffer // whole lines
	close func()
}

// watch opens a stream of a gateway, after the event with this id.
func (f *fixture) watch(url, path, after string) *stream {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), http.MethodGet, url+path, nil)
	require.NoError(f, err)
	req.Header.Set("Authorization", "Bearer "+f.token)
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	res, err := f.client.Do(req)
	require.NoError(f, err)
	require.Equal(f, http.StatusOK, res.StatusCode)
	s := &stream{TB: f}
	s.lines = bufio.NewReader(res.Body)
	s.close = sync.OnceFunc(func() { _ = res.Body.Close() })
	f.Cleanup(s.close)
	return s
}

// line returns what follows this at the beginning of a line.
func (s *stream) line(prefix string) string {
	s.Helper()
	for {
		line, err := s.lines.ReadString('\n')
		require.NoError(s, err)
		s.read.WriteString(line)
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
}

func TestADeploymentIsWatchedToItsEnd(t *testing.T) {
	f := start(t)
	shown := f.story("d1")
	f.begin("other")
	all := f.get("/v1/deployments/d1/events").is(http.StatusOK)
	require.Equal(t, shown, strings.Count(string(all.raw), "\ndata: "), "%s", all.raw)
	require.Contains(t, string(all.raw), "id: 1\nevent: deployment.accepted\ndata: {\"seq\":1,")
	require.Contains(t, string(all.raw), "event: host.failed\n")
	rest := f.send(request{method: "GET", path: "/v1/deployments/d1/events?after=3", header: map[string]string{"Last-Event-ID": "8"}})
	require.Equal(t, 2, strings.Count(string(rest.is(http.StatusOK).raw), "\ndata: "), "the header counts: %s", rest.raw)
	require.Equal(t, 7, strings.Count(string(f.get("/v1/deployments/d1/events?after=3").raw), "\ndata: "))
	require.Contains(t, string(all.raw), "\"text\":\"hello\"")
	f.get("/v1/deployments/d1/events?after=10").is(http.StatusNoContent)

	f.get("/v1/deployments/nobody/events").refused(http.StatusNotFound, "not_found")
	require.Contains(t, f.get("/v1/deployments/d1/events?after=-1").refused(http.StatusUnprocessableEntity, "invalid_request"), "after")
	both := f.send(request{method: "GET", path: "/v1/deployments/d1/events?after=1.0", header: map[string]string{"Last-Event-ID": "8"}})
	require.Contains(t, both.refused(http.StatusUnprocessableEntity, "invalid_request"), "after")
	f.get("/v1/deployments/other/events?after=12").refused(http.StatusUnprocessableEntity, "invalid_request")
	f.send(request{method: "GET", path: "/v1/events", anonymous: true}).refused(http.StatusUnauthorized, "unauthorized") //nolint:misspell // as HTTP spells it
}

func TestWhatHappensIsShownAtOnceAndLifeIn(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Beat = 10 * time.Millisecond })
	f.begin("d1")
	one, all := f.watch(f.url, "/v1/deployments/d1/events", ""), f.watch(f.url, "/v1/events?after=1", "")
	require.Equal(t, "1", one.line("id: "))
	one.line(":") // alive
	f.tell("d1", "", contract.WaveEvent{})
	require.Equal(t, "2", one.line("id: "))
	require.Equal(t, "deployment.started", one.line("event: "))
	require.Equal(t, "2", all.line("id: "))
}

// A client that comes back a hundred times, to one gateway and to another, has every event once.
func TestAClientMayComeBackToAnotherGateway(t *testing.T) {
	f := start(t)
	urls := []string{f.url, f.run()}
	first := f.begin("d1")
	want := []string{strconv.FormatUint(first, 10)}
	told := make(chan string, 300)
	go func() {
		defer close(told)
		for i := range 300 {
			told <- strconv.FormatUint(f.tell("d1", "h1", contract.JobProgressEvent{Step: "stage", Done: int64(i)}), 10)
		}
	}()
	var seen []string
	after := ""
	for n := range 100 {
		s := f.watch(urls[n%2], "/v1/deployments/d1/events", after)
		for range 3 {
			after = s.line("id: ")
			seen = append(seen, after)
		}
		s.close()
	}
	for seq := range told {
		want = append(want, seq)
	}
	require.Equal(t, want[:300], seen)
}

func TestEventsComeOverAWebSocket(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Beat = 10 * time.Millisecond })
	f.begin("d1")
	header := http.Header{"Authorization": {"Bearer " + f.token}}
	conn, res, err := websocket.Dial(t.Context(), f.url+"/v1/deployments/d1/events", &websocket.DialOptions{HTTPClient: f.client, HTTPHeader: header}) //nolint:bodyclose // it has none
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, res.StatusCode)
	defer func() { _ = conn.CloseNow() }()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	read := func() string {
		_, data, err := conn.Read(ctx)
		require.NoError(t, err)
		require.NoError(t, openapi().CheckJSON("/components/schemas/StreamEvent", data))
		return string(data)
	}
	require.Contains(t, read(), `"deployment.accepted"`)
	f.tell("d1", "", contract.ConcludedEvent{State: "succeeded"})
	require.Contains(t, read(), `"deployment.succeeded"`)
	_, _, err = conn.Read(ctx)
	require.Equal(t, websocket.StatusNormalClosure, websocket.CloseStatus(err), "%v", err)

	header.Set("Origin", "https://elsewhere.example")
	_, res, err = websocket.Dial(ctx, f.url+"/v1/events", &websocket.DialOptions{HTTPClient: f.client, HTTPHeader: header}) //nolint:bodyclose // Dial has read it
	require.Error(t, err)
	require.Equal(t, http.StatusForbidden, res.StatusCode, "a page of another site must not watch")

	bad := map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "short"}
	refused := f.send(request{method: "GET", path: "/v1/events", header: bad})
	refused.refused(http.StatusBadRequest, "malformed_request")
	require.Contains(t, refused.text("detail"), "Sec-WebSocket-Key")
}

func TestAGatewayHasOnlySoManyWhoWatch(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.Watches = 1 })
	f.story("d1")
	s := f.watch(f.url, "/v1/events?after=1", "")
	s.line("id: ")
	for _, path := range []string{"/v1/events", "/v1/deployments/d1/events"} {
		require.NotEmpty(t, f.get(path).is(http.StatusServiceUnavailable).Header.Get("Retry-After"))
	}
	s.close()
	require.Eventually(t, func() bool {
		return f.get("/v1/deployments/d1/events").StatusCode == http.StatusOK
	}, patience, 10*time.Millisecond)
}

func TestOneCallerDoesNotWatchForAll(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.CallerWatches = 1 })
	f.story("d1")
	viewer := f.as(f.tokenFor(grant("viewer", "")))
	viewer.watch(f.url, "/v1/events?after=1", "").line("id: ")
	viewer.get("/v1/deployments/d1/events").refused(http.StatusTooManyRequests, "rate_limited")
	viewer.get("/v1/whoami").is(200)
	f.watch(f.url, "/v1/events?after=1", "").line("id: ")
}

func TestAClientThatDoesNotReadIsCutOffAndDelaysNobody(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.Watches, c.Timeouts.Answer = 2, 200*time.Millisecond })
	f.story("done")
	f.begin("d1")
	path := "/v1/deployments/d1/events"
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	tcp, _ := conn.(*net.TCPConn)
	require.NoError(t, tcp.SetReadBuffer(4096))
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer %s\r\n\r\n", path, f.token)
	require.NoError(t, err)
	_, err = conn.Read(make([]byte, 16)) // it is answered
	require.NoError(t, err)
	reader := f.watch(f.url, path, "")
	reader.line("id: ")
	require.Equal(t, http.StatusServiceUnavailable, f.get("/v1/deployments/done/events").StatusCode, "both watch")
	said := contract.JobOutputEvent{Step: "stage", First: 1, Lines: []contract.OutputLine{{Stream: "stdout", Level: "info", Text: strings.Repeat("x", 250_000)}}}
	f.eventually(func() bool {
		seq := f.tell("d1", "h1", said)
		require.Equal(t, strconv.FormatUint(seq, 10), reader.line("id: "))
		return f.get("/v1/deployments/done/events").StatusCode == http.StatusOK
	}, "the place of the one who does not read")
}

func TestEventsThatAreNotKeptAreNotPassedOver(t *testing.T) {
	f := start(t)
	f.story("d1")
	require.NoError(t, f.bus.Events().Purge(t.Context(), jetstream.WithPurgeSequence(5)))
	f.get("/v1/events?after=3").refused(http.StatusGone, "events_gone")
	s := f.watch(f.url, "/v1/events", "4")
	require.Equal(t, "5", s.line("id: "))
	ahead := func(path, seen string) map[string]string {
		header := map[string]string{}
		if seen != "" {
			header["Last-Event-ID"] = seen
		}
		return f.send(request{method: "GET", path: path, header: header}).refused(http.StatusUnprocessableEntity, "invalid_request")
	}
	wrong := "there is no such event yet"
	for _, path := range []string{"/v1/events", "/v1/deployments/d2/events"} {
		f.begin("d2")
		require.Equal(t, map[string]string{"after": wrong}, ahead(path+"?after=99", ""))
		require.Equal(t, map[string]string{"Last-Event-ID": wrong}, ahead(path, "99"))
		require.Equal(t, map[string]string{"Last-Event-ID": wrong}, ahead(path+"?after=1", "99"), "the header counts")
	}
}
