package gateway_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestWebhooksAreKept(t *testing.T) {
	f := start(t, withWebhooks(t))
	first := f.post("/v1/webhooks", object{"url": "https://example.com/a"}).is(201)
	require.Equal(t, "/v1/webhooks/"+first.id(), first.Header.Get("Location"))
	require.Equal(t, []any{"deployment.*"}, first.object()["events"])
	require.Equal(t, "bootstrap", first.text("owner"))
	require.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, first.text("secret"))
	second, _ := f.hook(object{"url": "https://example.com/b", "events": []string{"*"}})
	require.Equal(t, []string{first.id(), second}, f.pages("/v1/webhooks?limit=1", "id"))

	path := "/v1/webhooks/" + first.id()
	got := f.get(path).is(200)
	require.NotContains(t, got.object(), "secret")
	patched := f.send(request{method: "PATCH", path: path, body: object{"url": "https://example.com/c", "projects": []string{"web"}},
		header: map[string]string{"If-Match": got.Header.Get("ETag")}}).is(200)
	require.Equal(t, "https://example.com/c", patched.text("url"))
	f.send(request{method: "PATCH", path: path, body: object{"description": "late"}, header: map[string]string{"If-Match": got.Header.Get("ETag")}}).
		refused(412, "precondition_failed")
	f.send(request{method: "PATCH", path: path, media: "application/merge-patch+json", body: object{"projects": nil, "events": nil, "applications": nil, "description": nil}}).is(200)
	require.NotContains(t, f.get(path).is(200).object(), "projects")

	f.send(request{method: "DELETE", path: path, header: map[string]string{"If-Match": got.Header.Get("ETag")}}).refused(412, "precondition_failed")
	f.delete(path).is(204)
	f.delete(path).refused(404, "not_found")
	for _, gone := range []request{
		{method: "GET", path: path}, {method: "GET", path: path + "/deliveries"}, {method: "PATCH", path: path, body: object{"description": "x"}},
		{method: "POST", path: path + "/pause"}, {method: "POST", path: path + "/resume"}, {method: "POST", path: path + "/test"},
		{method: "POST", path: path + "/rotate"}, {method: "POST", path: path + "/deliveries/x/replay"},
	} {
		f.send(gone).refused(404, "not_found")
	}
}

func TestWhatIsWrongWithAWebhookIsNamed(t *testing.T) {
	f := start(t, withWebhooks(t))
	short := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 23))
	for name, body := range map[string]object{
		"url":             {"url": "ftp://example.com"},
		"events[1]":       {"url": "https://example.com", "events": []string{"*", "deployment.exploded"}},
		"events":          {"url": "https://example.com", "events": []string{}},
		"projects[0]":     {"url": "https://example.com", "projects": []string{"a b"}},
		"applications[0]": {"url": "https://example.com", "applications": []string{""}},
		"secret":          {"url": "https://example.com", "secret": short},
		"token":           {"url": "https://example.com", "token": "x"},
	} {
		errs := f.post("/v1/webhooks", body).refused(422, "invalid_request")
		require.Contains(t, errs, name)
		require.NotContains(t, errs[name], short)
	}
	for _, url := range []string{"", "https://", "https://user:secret@example.com", "https://example.com/#x", "/local", "https://example.com/" + strings.Repeat("x", 2000)} {
		require.Contains(t, f.post("/v1/webhooks", object{"url": url}).refused(422, "invalid_request"), "url", url)
	}
	require.Contains(t, f.post("/v1/webhooks", object{}).refused(422, "invalid_request"), "url")
	id, _ := f.hook(object{"url": "https://example.com"})
	require.Contains(t, f.patch("/v1/webhooks/"+id, object{"secret": "x"}).refused(422, "invalid_request"), "secret")
	require.Contains(t, f.patch("/v1/webhooks/"+id, object{"url": nil}).refused(422, "invalid_request"), "url")
	require.Contains(t, f.patch("/v1/webhooks/"+id, object{}).refused(422, "invalid_request"), "body")
	require.Contains(t, f.post("/v1/webhooks/"+id+"/rotate", object{"overlap": "8d"}).refused(422, "invalid_request"), "overlap")
	require.Contains(t, f.get("/v1/webhooks?state=asleep").refused(422, "invalid_request"), "state")
	require.Contains(t, f.get("/v1/webhooks/"+id+"/deliveries?state=lost").refused(422, "invalid_request"), "state")
	require.Contains(t, f.get("/v1/webhooks/"+id+"/deliveries?cursor="+strings.Repeat("z", 3000)).refused(422, "invalid_request"), "cursor")
}

func TestWithoutAKeyThereAreNoWebhooks(t *testing.T) {
	f := start(t)
	require.Empty(t, f.post("/v1/webhooks", object{"url": "https://example.com"}).refused(409, "webhooks_off"))
	require.Empty(t, f.get("/v1/webhooks").is(200).column("id"))
}

func TestASecretIsShownOnceAndRestsSealed(t *testing.T) {
	f := start(t, withWebhooks(t))
	key := map[string]string{"Idempotency-Key": "k1"}
	made := request{method: "POST", path: "/v1/webhooks", body: object{"url": "https://example.com"}, header: key}
	first := f.send(made).is(201)
	secret := first.text("secret")
	require.NotEmpty(t, secret)
	again := f.send(made).is(201)
	require.Equal(t, first.id(), again.id())
	require.NotContains(t, again.object(), "secret", "not even to a repeat")
	rotated := f.send(request{method: "POST", path: "/v1/webhooks/" + first.id() + "/rotate", header: map[string]string{"Idempotency-Key": "k2"}}).is(200).text("secret")
	require.NotEqual(t, secret, rotated)
	for _, stream := range []string{"KV_" + contract.BucketWebhooks, "KV_" + contract.BucketIdempotency, "KV_" + contract.BucketHooks} {
		require.NoError(t, f.bus.Scan(t.Context(), stream, []string{">"}, func(s bus.Stored) error {
			for _, clear := range []string{secret, rotated} {
				require.NotContains(t, string(s.Data), strings.TrimPrefix(clear, "whsec_"), s.Subject)
				require.NotContains(t, string(s.Data), base64.StdEncoding.EncodeToString([]byte(clear))[:40], s.Subject)
			}
			return nil
		}))
	}
	require.NotContains(t, f.log.String(), strings.TrimPrefix(secret, "whsec_"))
}

func TestASecretIsRotatedWithOverlap(t *testing.T) {
	f := start(t, withWebhooks(t))
	rc := newReceiver(t, nil)
	mine := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	id, shown := f.hook(object{"url": rc.URL, "secret": mine})
	require.Empty(t, shown, "who gave it has it")
	verifies := func(secret string) bool {
		verifier, err := standardwebhooks.NewWebhook(secret)
		require.NoError(t, err)
		posts := rc.got()
		last := posts[len(posts)-1]
		return verifier.Verify(last.body, last.header) == nil
	}
	test := func() { f.ended(id, f.post("/v1/webhooks/"+id+"/test", nil).is(202).id()) }
	test()
	require.True(t, verifies(mine))

	rotated := f.post("/v1/webhooks/"+id+"/rotate", object{"overlap": "1h"}).is(200)
	require.Contains(t, rotated.object(), "previous_secret_until")
	f.eventually(func() bool { test(); return verifies(rotated.text("secret")) }, "the new secret")
	require.True(t, verifies(mine), "and the one before")
	last := f.post("/v1/webhooks/"+id+"/rotate", object{"overlap": "0s"}).is(200)
	f.eventually(func() bool { test(); return verifies(last.text("secret")) }, "the newest secret")
	require.False(t, verifies(rotated.text("secret")))
}

// The secret before is the one that receivers hold: a second rotation would forget it.
func TestARotationThatIsRepeatedIsDoneOnce(t *testing.T) {
	f := start(t, withWebhooks(t))
	id, _ := f.hook(object{"url": "https://example.com"})
	first := f.once("k", "/v1/webhooks/"+id+"/rotate", object{"overlap": "1h"}).is(200)
	require.NotEmpty(t, first.text("secret"))
	f.forgetAnswer()
	again := f.once("k", "/v1/webhooks/"+id+"/rotate", object{"overlap": "1h"}).is(200)
	require.NotContains(t, again.object(), "secret", "nobody knows it any more")
	require.Equal(t, first.Header.Get("ETag"), again.Header.Get("ETag"))
	require.Equal(t, first.text("previous_secret_until"), again.text("previous_secret_until"))
}

func TestWhoPausesResumesOrRotatesMayInsistOnARevision(t *testing.T) {
	f := start(t, withWebhooks(t))
	id, _ := f.hook(object{"url": "https://example.com"})
	at := f.get("/v1/webhooks/" + id).is(200).Header.Get("ETag")
	for _, verb := range []string{"pause", "resume", "rotate"} {
		r := request{method: "POST", path: "/v1/webhooks/" + id + "/" + verb, header: map[string]string{"If-Match": at, "Idempotency-Key": verb}}
		now := f.send(r).is(200).Header.Get("ETag")
		require.NotEqual(t, at, now)
		f.send(request{method: "POST", path: r.path, header: map[string]string{"If-Match": at}}).refused(412, "precondition_failed")
		require.Equal(t, now, f.get("/v1/webhooks/"+id).Header.Get("ETag"), "nothing was changed")
		at = now

		f.forgetAnswer()
		require.Equal(t, now, f.send(r).is(200).Header.Get("ETag"), "its own change is none of somebody else")
		kv, err := f.bus.JetStream().KeyValue(t.Context(), contract.BucketIdempotency)
		require.NoError(t, err)
		require.NoError(t, purge(t, kv))
	}
}

func TestAPausedWebhookIsSentNothingUntilItIsResumed(t *testing.T) {
	f := start(t, withWebhooks(t))
	rc := newReceiver(t, nil)
	id, _ := f.hook(object{"url": rc.URL})
	w := f.post("/v1/webhooks/"+id+"/pause", object{"reason": "moving house"}).is(200)
	require.Equal(t, "paused", w.text("state"))
	require.Equal(t, "moving house", w.object()["stopped"].(map[string]any)["reason"])
	f.runs("d1")
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").column("id")) == 4 }, "all wait")
	waiting := f.get("/v1/webhooks/" + id + "/deliveries").column("id")
	f.post("/v1/webhooks/"+id+"/deliveries/"+waiting[0]+"/replay", nil).refused(409, "state_conflict")
	f.post("/v1/webhooks/"+id+"/test", nil).refused(409, "state_conflict")
	f.post("/v1/webhooks/"+id+"/resume", nil).is(200)
	rc.await(4)
	require.Equal(t, course, rc.types())
}

func TestMoreThanMayWaitIsDeadAndCanBeReplayed(t *testing.T) {
	f := start(t, withWebhooks(t), func(c *gateway.Config) { c.Webhooks.MaxWaiting = 2 })
	rc := newReceiver(t, answering(http.StatusInternalServerError))
	id, _ := f.hook(object{"url": rc.URL})
	f.runs("d1")
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=dead").column("id")) == 2 }, "too many are dead")
	dead := f.get("/v1/webhooks/" + id + "/deliveries?state=dead").column("id")
	require.Contains(t, f.get("/v1/webhooks/" + id + "/deliveries/" + dead[0]).object()["last_attempt"].(map[string]any)["error"], "too many deliveries wait")
	rc.behave(nil)
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+id+"/deliveries?state=waiting").column("id")) == 0 }, "the others arrive")
	for _, one := range dead {
		f.post("/v1/webhooks/"+id+"/deliveries/"+one+"/replay", nil).is(202)
		require.Equal(t, "delivered", f.ended(id, one)["state"])
	}
}
