package gateway_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// once sends a POST with an Idempotency-Key.
func (f *fixture) once(key, path string, body any) *reply {
	f.Helper()
	r := request{method: "POST", path: path, body: body, header: map[string]string{"Idempotency-Key": key}}
	if _, raw := body.([]byte); raw {
		r.media = "application/octet-stream"
	}
	return f.send(r)
}

// memory is the record of an idempotency key, as a gateway stores it.
type memory struct {
	Fingerprint string    `json:"fingerprint"`
	Resource    string    `json:"resource"`
	Attempt     string    `json:"attempt"`
	Until       time.Time `json:"until"`
	Answer      any       `json:"answer,omitempty"`
}

// memories returns the bucket of records and the key of the only one.
func (f *fixture) memories() (*bus.Cells[memory], string) {
	f.Helper()
	cells, keys := f.memoryKeys()
	require.Len(f, keys, 1)
	return cells, keys[0]
}

func (f *fixture) memoryKeys() (*bus.Cells[memory], []string) {
	f.Helper()
	cells, err := bus.OpenCells[memory](f.Context(), f.bus, contract.BucketIdempotency)
	require.NoError(f, err)
	keys, err := cells.Keys(f.Context(), ">")
	require.NoError(f, err)
	return cells, keys
}

// forgetAnswer makes the record what it is when the gateway dies before it has
// stored the answer, and its lease has run out.
func (f *fixture) forgetAnswer() {
	f.Helper()
	cells, key := f.memories()
	_, err := cells.Change(f.Context(), key, func(m memory) (memory, bool, error) {
		m.Answer, m.Until = nil, time.Now().Add(-time.Second)
		return m, true, nil
	})
	require.NoError(f, err)
}

func TestARepeatGetsTheFirstAnswer(t *testing.T) {
	f := start(t)
	h, d, ids := f.rolled("a")
	pkg := f.shop("1")
	failed := finished(xid.New().String(), "1", 1)
	failed.State, failed.Package = "failed", pkg
	h.know(failed, contract.TargetStatus{Host: ids[0], Name: "a", State: "failed"})
	s := f.withScheduler()
	s.stand(d.ID, "running")
	for name, c := range map[string]struct {
		path string
		body any
	}{
		"server":     {"/v1/servers", web("new")},
		"upload":     {"/v1/packages?application=app&version=1&filename=app", []byte("content")},
		"deployment": {"/v1/deployments", object{"application": "shop", "version": "1", "servers": ids}},
		"batch":      {"/v1/deployments/batch", object{"deployments": []object{{"application": "shop", "version": "1", "servers": ids}}}},
		"rollback":   {"/v1/deployments/" + d.ID + "/rollback", object{}},
		"retry":      {"/v1/deployments/" + failed.ID + "/retry", object{}},
		"pause":      {"/v1/deployments/" + d.ID + "/pause", object{}},
	} {
		first := f.once(name, c.path, c.body)
		require.Less(t, first.StatusCode, 300, "%s", first.raw)
		require.Empty(t, first.Header.Get("Idempotency-Replayed"))
		again := f.once(name, c.path, c.body).is(first.StatusCode)
		require.Equal(t, "true", again.Header.Get("Idempotency-Replayed"), name)
		require.JSONEq(t, string(first.raw), string(again.raw))
		for _, header := range []string{"Location", "ETag"} {
			require.Equal(t, first.Header.Get(header), again.Header.Get(header))
		}
	}
	require.EqualValues(t, 4, f.commands())
	require.Equal(t, 1, s.times())

	f.delete("/v1/servers/" + f.get("/v1/servers?name=new").column("id")[0]).is(204)
	f.once("server", "/v1/servers", web("new")).is(201)
	require.Empty(t, f.get("/v1/servers?name=new").column("id"), "a repeat does nothing, whatever happened since")
}

func TestAKeyBelongsToOneRequest(t *testing.T) {
	f := start(t)
	f.once("k", "/v1/servers", web("a")).is(201)
	f.once("k", "/v1/servers", web("b")).refused(422, "idempotency_mismatch")
	f.once("k", "/v1/deployments", web("a")).refused(422, "idempotency_mismatch")
	f.once("k", "/v1/packages?application=a&version=1&filename=a", []byte("x")).refused(422, "idempotency_mismatch")
	f.once("u", "/v1/packages?application=a&version=1&filename=a", []byte("x")).is(201)
	f.once("u", "/v1/packages?application=a&version=2&filename=a", []byte("x")).refused(422, "idempotency_mismatch")
	f.once("other", "/v1/servers", web("b")).is(201)
	for _, bad := range []string{"with space", strings.Repeat("x", 256), "ü"} {
		require.Contains(t, f.once(bad, "/v1/servers", web("c")).refused(400, "malformed_request"), "Idempotency-Key")
	}
}

func TestAnUploadUnderAKeyHasOneContent(t *testing.T) {
	f := start(t)
	path, replayed := "/v1/packages?application=app&version=1&filename=app", "Idempotency-Replayed"
	first := f.once("k", path, []byte("first")).is(201)
	f.once("k", path, []byte("other")).refused(422, "idempotency_mismatch")
	require.Equal(t, "true", f.once("k", path, []byte("first")).is(201).Header.Get(replayed))

	f.forgetAnswer() // it died after the package was stored
	f.once("k", path, []byte("other")).refused(422, "idempotency_mismatch")
	again := f.once("k", path, []byte("first")).is(201)
	require.Empty(t, again.Header.Get(replayed))
	require.Equal(t, first.id(), again.id())
	f.once("k", path, []byte("other")).refused(422, "idempotency_mismatch")

	f.delete("/v1/packages/" + first.id()).is(204)
	f.forgetAnswer() // as if it had died before
	require.Equal(t, digest([]byte("other")), f.once("k", path, []byte("other")).is(201).text("sha256"))
	f.once("k", path, []byte("first")).refused(422, "idempotency_mismatch")
}

func TestARefusedRequestFreesItsKey(t *testing.T) {
	f := start(t)
	f.once("k", "/v1/servers", object{}).refused(422, "invalid_request")
	f.once("k", "/v1/servers", json.RawMessage(`{"name": 1}`)).refused(422, "invalid_request")
	f.once("k", "/v1/servers", web("a")).is(201)
	f.once("l", "/v1/servers", web("a")).refused(409, "name_taken")
	f.once("l", "/v1/servers", web("b")).is(201)
}

// remakeCommands makes the stream of commands anew: nothing was published, and
// the broker knows no message ids.
func (f *fixture) remakeCommands() {
	f.Helper()
	js := f.bus.JetStream()
	stream, err := js.Stream(f.Context(), contract.StreamCommands)
	require.NoError(f, err)
	require.NoError(f, js.DeleteStream(f.Context(), contract.StreamCommands))
	_, err = js.CreateStream(f.Context(), stream.CachedInfo().Config)
	require.NoError(f, err)
}

// onceStored is once, for as long as the gateway has no better answer than 503: it looks for a quorum of the stream of
// commands, and may do so while there is no such stream.
func (f *fixture) onceStored(key, path string, body any) (res *reply) {
	f.Helper()
	f.eventually(func() bool {
		res = f.once(key, path, body)
		return res.StatusCode != http.StatusServiceUnavailable
	}, "nothing is stored")
	return res
}

func TestARepeatAfterACrashBeforeTheCommandGoesOnWithTheSameID(t *testing.T) {
	f := start(t)
	f.shop("1")
	body := object{"application": "shop", "version": "1", "servers": f.fleet("a")}
	first := f.once("k", "/v1/deployments", body).is(202).id()
	f.remakeCommands()
	f.forgetAnswer()
	require.Equal(t, first, f.onceStored("k", "/v1/deployments", body).is(202).id())
	require.Equal(t, first, f.command(first).Deployment)
}

func TestARepeatAfterACrashCompletesAServer(t *testing.T) {
	f := start(t)
	first := f.once("k", "/v1/servers", web("half")).is(201).id()
	servers, err := f.bus.JetStream().KeyValue(t.Context(), contract.BucketServers)
	require.NoError(t, err)
	require.NoError(t, servers.Purge(t.Context(), nameKey("half"))) // it died between the two writes
	f.forgetAnswer()
	f.get("/v1/servers/"+first).refused(404, "not_found")
	require.Equal(t, first, f.once("k", "/v1/servers", web("half")).is(201).id())
	f.get("/v1/servers/" + first).is(200)
}

// nameKey is where the claim to a name stands.
func nameKey(name string) string { return "name." + digest([]byte(name)) }

func TestWhileARequestIsUnderWayARepeatIsToldSo(t *testing.T) {
	f := start(t)
	release, entered := make(chan struct{}), make(chan struct{})
	_, d, _ := f.rolled("a")
	f.shop("9")
	kv, err := f.bus.JetStream().KeyValue(t.Context(), contract.BucketIdempotency)
	require.NoError(t, err)

	// An upload is under way as long as its body comes.
	go func() {
		defer close(entered)
		body := &gate{first: []byte("con"), rest: []byte("tent"), release: release}
		res, err := f.try(request{
			method: "POST", path: "/v1/packages?application=app&version=1&filename=app", body: body,
			media: "application/octet-stream", header: map[string]string{"Idempotency-Key": "k"},
		})
		if err != nil || res.StatusCode != 201 {
			t.Errorf("the first upload fails: %v", err)
		}
	}()
	f.eventually(func() bool { keys, err := kv.Keys(t.Context()); return err == nil && len(keys) == 1 }, "the first never begins")
	for _, base := range []string{f.url, f.run()} {
		res := f.send(request{
			method: "POST", path: "/v1/packages?application=app&version=1&filename=app", body: []byte("content"), url: base,
			media: "application/octet-stream", header: map[string]string{"Idempotency-Key": "k"},
		})
		res.refused(409, "idempotency_in_progress")
		require.NotEmpty(t, res.Header.Get("Retry-After"))
	}
	close(release)
	<-entered
	require.Equal(t, "true", f.once("k", "/v1/packages?application=app&version=1&filename=app", []byte("content")).Header.Get("Idempotency-Replayed"))

	// The others say the same; their records are made as if they were under way.
	for _, c := range []struct {
		path string
		body any
	}{
		{"/v1/servers", web("b")}, {"/v1/deployments", object{"application": "shop", "version": "9", "servers": []string{"a"}}},
		{"/v1/deployments/" + d.ID + "/rollback", object{}},
		{initPath, object{"servers": []string{"a"}, "supervisor": object{"content": "[program:shop]"}}},
	} {
		require.NoError(t, purge(t, kv))
		require.Less(t, f.once("k", c.path, c.body).StatusCode, 300)
		cells, key := f.memories()
		_, err := cells.Change(t.Context(), key, func(m memory) (memory, bool, error) {
			m.Answer, m.Until = nil, time.Now().Add(time.Minute)
			return m, true, nil
		})
		require.NoError(t, err)
		f.once("k", c.path, c.body).refused(409, "idempotency_in_progress")
	}
}

func purge(t *testing.T, kv jetstream.KeyValue) error {
	t.Helper()
	keys, err := kv.Keys(t.Context())
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := kv.Purge(t.Context(), key); err != nil {
			return err
		}
	}
	return nil
}

// gate is a body whose rest comes once it is released.
type gate struct {
	first, rest []byte
	release     chan struct{}
}

func (g *gate) Read(p []byte) (int, error) {
	if len(g.first) > 0 {
		n := copy(p, g.first)
		g.first = g.first[n:]
		return n, nil
	}
	<-g.release
	if len(g.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

func TestAFailureOnTheWayKeepsTheID(t *testing.T) {
	f := start(t)
	f.shop("1")
	body := object{"application": "shop", "version": "1", "servers": f.fleet("a")}
	impatient := f.runImpatient()
	stream, err := f.bus.JetStream().Stream(t.Context(), contract.StreamCommands)
	require.NoError(t, err)
	// Without the stream there would be no quorum either, and nothing begins without.
	cfg := stream.CachedInfo().Config
	deaf := cfg
	deaf.Subjects = []string{"elsewhere"}
	_, err = f.bus.JetStream().UpdateStream(t.Context(), deaf)
	require.NoError(t, err)
	f.eventually(func() bool { // its time may be up before it has noted anything
		res := f.send(request{
			method: "POST", path: "/v1/deployments", body: body, url: impatient, header: map[string]string{"Idempotency-Key": "k"},
		})
		res.refused(503, "unavailable")
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		_, keys := f.memoryKeys()
		return len(keys) > 0
	}, "nothing is noted")
	cells, key := f.memories()
	before, _, err := cells.Get(t.Context(), key)
	require.NoError(t, err)

	_, err = f.bus.JetStream().UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, before.Resource, f.onceStored("k", "/v1/deployments", body).is(202).id())
}

func TestKeysOfDifferentTokensAreApart(t *testing.T) {
	f := start(t)
	f.once("k", "/v1/servers", web("a")).is(201)
	first := f.token
	f.token = f.replaceToken()
	require.NotEqual(t, first, f.token)
	f.once("k", "/v1/servers", web("b")).is(201)
	require.Equal(t, []string{"a", "b"}, f.get("/v1/servers").column("name"))
}
