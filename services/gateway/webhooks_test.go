package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// withWebhooks sets webhooks up, with loopback addresses allowed.
func withWebhooks(t testing.TB) func(*gateway.Config) {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	return func(c *gateway.Config) {
		c.Webhooks.PrivateKey = config.Secret(key.Reveal())
		c.Webhooks.Allow = []string{"127.0.0.0/8"}
		c.Webhooks.RetryFirst, c.Webhooks.RetryLongest = 20*time.Millisecond, 100*time.Millisecond
	}
}

// post is a request that a receiver got.
type post struct {
	path   string
	header http.Header
	body   []byte
}

// event is the body of a post.
func (p post) event(t testing.TB) map[string]any {
	t.Helper()
	require.NoError(t, openapi().CheckJSON("/components/schemas/Event", p.body))
	var e map[string]any
	require.NoError(t, json.Unmarshal(p.body, &e))
	require.Equal(t, p.header.Get("webhook-id"), e["id"])
	return e
}

// receiver is an HTTP server that is posted to.
type receiver struct {
	testing.TB
	*httptest.Server
	mu     sync.Mutex
	posts  []post
	answer func(n int, w http.ResponseWriter, r *http.Request) // to the n-th post, from 0; nil: 204
}

func newReceiver(t testing.TB, answer func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	rc := &receiver{TB: t, answer: answer}
	rc.Server = httptest.NewServer(rc)
	t.Cleanup(func() {
		rc.CloseClientConnections()
		rc.Close()
	})
	return rc
}

// ServeHTTP implements http.Handler.
func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rc.mu.Lock()
	n := len(rc.posts)
	rc.posts = append(rc.posts, post{r.URL.Path, r.Header.Clone(), body})
	answer := rc.answer
	rc.mu.Unlock()
	if answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	answer(n, w, r)
}

// behave changes how the receiver answers.
func (rc *receiver) behave(answer func(n int, w http.ResponseWriter, r *http.Request)) {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	rc.answer = answer
}

func (rc *receiver) got() []post {
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return slices.Clone(rc.posts)
}

// await waits until so many posts have come, and returns them.
func (rc *receiver) await(n int) []post {
	rc.Helper()
	require.Eventually(rc, func() bool { return len(rc.got()) >= n }, patience, 5*time.Millisecond, "%d posts", n)
	return rc.got()
}

// types returns the types of the events posted, as webhooks are filtered by them.
func (rc *receiver) types() []string {
	rc.Helper()
	var types []string
	for _, p := range rc.got() {
		types = append(types, strings.TrimPrefix(p.event(rc)["type"].(string), "com.slipway."))
	}
	return types
}

func answering(status int) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "so it is")
	}
}

// happens publishes an event of a deployment as a whole.
func (f *fixture) happens(deployment string, wave int, body contract.Body) uint64 {
	f.Helper()
	return f.happensOn(contract.SystemEventSubject(deployment), contract.Envelope{Deployment: deployment, Project: "web", Wave: wave}, body)
}

func (f *fixture) happensOn(subject string, e contract.Envelope, body contract.Body) uint64 {
	f.Helper()
	data, err := contract.Encode(e, body)
	require.NoError(f, err)
	seq, err := f.bus.Publish(f.Context(), subject, "", data)
	require.NoError(f, err)
	return seq
}

// runs publishes what is told of a deployment that succeeds: four events.
func (f *fixture) runs(deployment string) {
	f.Helper()
	f.happens(deployment, 0, contract.AcceptedEvent{Kind: "deploy", Application: "shop", Version: "1.2", Actor: "ci", Targets: 3, Waves: 2})
	f.happens(deployment, 0, contract.WaveEvent{})
	f.happens(deployment, 1, contract.WaveEvent{})
	f.happens(deployment, 0, contract.ConcludedEvent{State: "succeeded"})
}

var course = []string{"deployment.accepted", "deployment.started", "deployment.wave_started", "deployment.succeeded"}

// hook makes a webhook and returns its id and its secret.
func (f *fixture) hook(body object) (id, secret string) {
	f.Helper()
	res := f.post("/v1/webhooks", body).is(201)
	return res.id(), res.text("secret")
}

// delivered waits until the delivery has ended.
func (f *fixture) ended(hook, id string) map[string]any {
	f.Helper()
	var d map[string]any
	f.eventually(func() bool {
		res := f.get("/v1/webhooks/" + hook + "/deliveries/" + id)
		d = res.object()
		return res.StatusCode == 200 && d["state"] != "waiting"
	}, "an end of "+id)
	return d
}

// stands waits until the webhook is in the state.
func (f *fixture) stands(hook, state string) map[string]any {
	f.Helper()
	var w map[string]any
	f.eventually(func() bool {
		w = f.get("/v1/webhooks/" + hook).is(200).object()
		return w["state"] == state
	}, hook+" is "+state)
	return w
}

func TestAWebhookIsToldInOrderSignedAndAsCloudEvents(t *testing.T) {
	f := start(t, withWebhooks(t))
	rc := newReceiver(t, nil)
	f.runs("before")
	id, secret := f.hook(object{"url": rc.URL + "/in?key=1", "description": "chat"})
	f.runs("d1")
	rc.await(4)
	require.Equal(t, course, rc.types(), "in order, and nothing from before it was made")
	verifier, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	for _, p := range rc.got() {
		require.NoError(t, verifier.Verify(p.body, p.header), "another implementation of Standard Webhooks")
		require.Error(t, verifier.Verify(append(p.body, ' '), p.header))
		require.Equal(t, "application/cloudevents+json; charset=utf-8", p.header.Get("Content-Type"))
		e := p.event(t)
		require.Equal(t, "urn:slipway:"+f.bus.Installation(), e["source"])
		require.Equal(t, "d1", e["subject"])
		require.Equal(t, map[string]any{
			"id": "d1", "kind": "deploy", "project": "web", "application": "shop", "version": "1.2", "actor": "ci", "targets": 3., "waves": 2.,
		}, e["data"].(map[string]any)["deployment"])
	}
	last := rc.got()[3]
	d := f.ended(id, last.header.Get("webhook-id"))
	require.Equal(t, "delivered", d["state"])
	require.Equal(t, 1., d["attempts"])
	require.Equal(t, 204., d["last_attempt"].(map[string]any)["status"])
	require.JSONEq(t, string(last.body), mustJSON(t, d["body"]))
	f.get("/v1/webhooks/"+id+"/deliveries/none").refused(404, "not_found")
	f.get("/v1/webhooks/none/deliveries/none").refused(404, "not_found")
}

func TestADeliveryGoesOnWithTheTraceOfWhatItTellsOf(t *testing.T) {
	f := start(t, withWebhooks(t))
	rc := newReceiver(t, answering(http.StatusServiceUnavailable))
	id, _ := f.hook(object{"url": rc.URL})
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	f.happensOn(contract.SystemEventSubject("d1"), contract.Envelope{Deployment: "d1", Traceparent: parent}, contract.AcceptedEvent{Kind: "deploy", Application: "shop"})
	for _, p := range rc.await(2)[:2] {
		require.Equal(t, parent, p.header.Get("Traceparent"), "again each time it is sent")
	}
	rc.behave(nil)
	f.send(request{method: "POST", path: "/v1/webhooks/" + id + "/test", header: map[string]string{"Traceparent": parent}}).is(202)
	f.eventually(func() bool {
		return slices.ContainsFunc(rc.got(), func(p post) bool {
			return strings.HasPrefix(p.header.Get("webhook-id"), "test-") && strings.HasPrefix(p.header.Get("Traceparent"), "00-4bf92f3577b34da6a3ce929d0e0e4736-")
		})
	}, "the test is of the trace of who asked for it")

	f.runs("d2")
	f.eventually(func() bool {
		return slices.ContainsFunc(rc.got(), func(p post) bool {
			return strings.HasPrefix(p.header.Get("webhook-id"), "d2-") && p.header.Values("Traceparent") == nil
		})
	}, "of what is no part of a trace, nothing is said")
}

func mustJSON(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return string(text)
}

func TestAFilterSaysWhatAWebhookIsTold(t *testing.T) {
	f := start(t, withWebhooks(t))
	failures, hosts, others, all := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	server := f.post("/v1/servers", object{"name": "web-1", "address": "192.0.2.1", "user": "deploy", "first_contact": true}).is(201).id()
	f.hook(object{"url": failures.URL, "events": []string{"deployment.failed", "host.failed"}})
	f.hook(object{"url": hosts.URL, "events": []string{"host.*"}, "projects": []string{"web"}, "applications": []string{"shop"}})
	f.hook(object{"url": others.URL, "events": []string{"*"}, "applications": []string{"blog"}})
	f.hook(object{"url": all.URL, "events": []string{"*"}})

	f.happens("d1", 0, contract.AcceptedEvent{Kind: "init", Application: "shop", Version: "1"})
	on := contract.Envelope{Deployment: "d1", Project: "web", Host: server, Wave: 1, Attempt: 1, Token: 2}
	f.happensOn(contract.JobEventSubject("d1", server), on, contract.JobStartedEvent{Executor: "e"})
	f.happensOn(contract.JobEventSubject("d1", server), on, contract.JobEndedEvent{
		State: "failed", Release: "0", Failure: &contract.Failure{Code: "host_unreachable", Reason: "no route"},
	})
	f.happens("d1", 0, contract.ConcludedEvent{State: "failed", Cause: "hosts_failed", RolledBackBy: "d2"})
	all.await(3)
	failures.await(2)
	hosts.await(1)
	require.Equal(t, []string{"deployment.accepted", "host.failed", "deployment.failed"}, all.types())
	require.Equal(t, []string{"host.failed", "deployment.failed"}, failures.types())
	require.Equal(t, []string{"host.failed"}, hosts.types())
	require.Empty(t, others.got())
	e := hosts.got()[0].event(t)
	require.Equal(t, "d1/"+server, e["subject"])
	require.Equal(t, map[string]any{"id": server, "name": "web-1", "wave": 1.}, e["data"].(map[string]any)["host"])
}

func TestADeliveryThatFailsIsTriedAgainAndHoldsUpItsDeploymentAlone(t *testing.T) {
	f := start(t, withWebhooks(t))
	var mu sync.Mutex
	broken := true
	rc := newReceiver(t, nil)
	rc.behave(func(_ int, w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if broken && strings.HasPrefix(r.Header.Get("Webhook-Id"), "bad-") {
			w.WriteHeader(500)
		}
	})
	id, _ := f.hook(object{"url": rc.URL})
	f.runs("bad")
	f.runs("good")
	arrived := func(deployment string) (types []string) {
		seen := map[string]bool{}
		for _, p := range rc.got() {
			e := p.event(t)
			if e["subject"] == deployment && !seen[e["id"].(string)] {
				seen[e["id"].(string)] = true
				types = append(types, strings.TrimPrefix(e["type"].(string), "com.slipway."))
			}
		}
		return types
	}
	f.eventually(func() bool { return len(arrived("good")) == 4 && len(rc.got()) > 8 }, "the other deployment's events")
	require.Equal(t, course, arrived("good"))
	require.Equal(t, course[:1], arrived("bad"), "the next waits for the one before")
	f.eventually(func() bool {
		return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").is(200).column("id")) == 4
	}, "what waits is seen")
	failing := func() bool { return f.get("/v1/webhooks/" + id).is(200).object()["failing"] != nil }
	f.eventually(failing, "it is said to fail")
	mu.Lock()
	broken = false
	mu.Unlock()
	f.eventually(func() bool { return len(arrived("bad")) == 4 }, "the events that waited")
	require.Equal(t, course, arrived("bad"))
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").column("id")) == 0 }, "an end of waiting")
	require.Len(t, f.pages("/v1/webhooks/"+id+"/deliveries?limit=3", "id"), 8)
	f.eventually(func() bool { return !failing() }, "it is said to fail no more")
}

func TestAReceiverThatHangsDelaysNoOther(t *testing.T) {
	f := start(t, withWebhooks(t), func(c *gateway.Config) { c.Webhooks.AtOnce, c.Webhooks.Timeout = 2, time.Minute })
	release := make(chan struct{})
	hanging := newReceiver(t, func(int, http.ResponseWriter, *http.Request) { <-release })
	quick := newReceiver(t, nil)
	f.hook(object{"url": hanging.URL})
	f.hook(object{"url": quick.URL})
	for n := range 20 {
		f.runs(fmt.Sprintf("d%d", n))
	}
	quick.await(80)
	require.LessOrEqual(t, len(hanging.got()), 2, "not more at once than may be")
	close(release)
	hanging.await(80)
}
