package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestACallbackIsToldOfItsDeploymentAlone(t *testing.T) {
	f := start(t, withWebhooks(t))
	f.withScheduler()
	history := f.withHistory()
	rc := newReceiver(t, nil)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
	server := f.post("/v1/servers", object{"name": "web-1", "address": "192.0.2.1", "user": "deploy", "first_contact": true}).is(201).id()
	pkg := f.upload("shop", "1.2", "shop.bin", []byte("x")).is(201).id()
	wanted := object{"application": "shop", "version": "1.2", "servers": []string{server}, "callback_url": rc.URL + "/one", "callback_secret": secret}
	f.post("/v1/deployments", wanted.with(object{"dry_run": true})).is(200)
	d := f.post("/v1/deployments", wanted).is(202).id()
	require.NotContains(t, string(mustCommand(t, f, d)), "whsec_")
	f.runs("another")
	f.runs(d)
	rc.await(4)
	require.Equal(t, course, rc.types())
	verifier, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	for _, p := range rc.got() {
		require.Equal(t, "/one", p.path)
		require.NoError(t, verifier.Verify(p.body, p.header))
	}
	hook := f.get("/v1/webhooks/" + d).is(200)
	require.Equal(t, d, hook.text("deployment"))
	require.Equal(t, true, hook.object()["signed"])
	require.Empty(t, f.get("/v1/webhooks").is(200).column("id"), "it is no webhook of its own")
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+d+"/deliveries?state=delivered").column("id")) == 4 }, "all are delivered")

	// What follows the deployment has a callback of its own, or none.
	known := finished(d, "1.2", 1)
	known.State, known.Seq, known.Package, known.Counts = "failed", 1000, pkg, contract.Counts{Failed: 1}
	history.know(known, contract.TargetStatus{Host: server, Name: "web-1", State: "failed", Attempt: 1, Changed: true})
	back := f.post("/v1/deployments/"+d+"/rollback", object{"callback_url": rc.URL + "/two"}).is(202).id()
	again := f.post("/v1/deployments/"+d+"/retry", object{"callback_url": rc.URL + "/three"}).is(202).id()
	none := f.post("/v1/deployments/"+d+"/retry", nil).is(202).id()
	for _, next := range []string{none, back, again} {
		f.runs(next)
	}
	rc.await(12)
	var paths []string
	for _, p := range rc.got()[4:] {
		paths = append(paths, p.path)
		require.Empty(t, p.header.Get("webhook-signature"), "nothing to sign with")
	}
	slices.Sort(paths)
	require.Equal(t, []string{"/three", "/two"}, slices.Compact(paths))
	f.get("/v1/webhooks/"+none).refused(404, "not_found")

	set := f.post(initPath, object{"servers": []string{server}, "supervisor": object{"content": "[program:shop]"}, "callback_url": rc.URL + "/four"}).is(202).id()
	require.Equal(t, rc.URL+"/four", f.get("/v1/webhooks/"+set).is(200).text("url"))

	errs := f.post("/v1/deployments", wanted.with(object{"callback_url": "http://10.0.0.1/", "callback_secret": "hush"})).refused(422, "invalid_request")
	require.Contains(t, errs, "callback_url")
	require.Contains(t, errs, "callback_secret")
	require.Contains(t, f.post("/v1/deployments/"+d+"/retry", object{"callback_secret": secret}).refused(422, "invalid_request"), "callback_secret")
}

func TestWithoutAKeyThereIsNoCallback(t *testing.T) {
	f := start(t)
	errs := f.post("/v1/deployments", object{"application": "shop", "callback_url": "https://example.com"}).refused(422, "invalid_request")
	require.Contains(t, errs["callback_url"], "webhooks are off")
}

func mustCommand(t *testing.T, f *fixture, deployment string) []byte {
	t.Helper()
	stored, err := f.bus.Last(t.Context(), contract.StreamCommands, contract.AnyCommandSubject(deployment))
	require.NoError(t, err)
	return stored.Data
}

func TestACallbackInAFormIsToldOfEachChangeAndOfNothingTwice(t *testing.T) {
	f := start(t, withWebhooks(t))
	f.withScheduler()
	rc := newReceiver(t, nil)
	secret := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 24))
	servers := f.fleet("web-1", "web-2")
	f.shop("1")
	wanted := object{"application": "shop", "version": "1", "servers": servers, "callback_url": rc.URL, "callback_secret": secret, "callback_format": "modes"}
	d := f.post("/v1/deployments", wanted).is(202).id()
	f.runs("another")
	on := func(n int) (string, contract.Envelope) {
		return contract.JobEventSubject(d, servers[n]), contract.Envelope{Deployment: d, Project: "web", Host: servers[n], Target: n, Attempt: 1, Token: 2}
	}
	tell := func(n int, body contract.Body) {
		subject, e := on(n)
		f.happensOn(subject, e, body)
	}
	f.happens(d, 0, contract.AcceptedEvent{Kind: "deploy", Application: "shop", Version: "1", Actor: "ci", Targets: 2, Waves: 1})
	f.happens(d, 0, contract.WaveEvent{})
	tell(0, contract.JobStartedEvent{Executor: "e", Step: "connect"})
	now := time.Now()
	tell(0, contract.JobStepEvent{Step: "connect", State: "succeeded", StartedAt: now, EndedAt: &now, Next: "stage"})
	tell(0, contract.JobProgressEvent{Step: "stage", Done: 1, Total: 2})
	tell(0, contract.JobStepEvent{Step: "stage", State: "succeeded", StartedAt: now, EndedAt: &now, Next: "prepare"})
	tell(0, contract.JobEndedEvent{State: "succeeded", Release: "1"})
	tell(1, contract.JobEndedEvent{State: "succeeded", Release: "1"})
	f.happens(d, 0, contract.ConcludedEvent{State: "succeeded"})
	rc.await(7)

	verifier, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	var told []string
	for _, p := range rc.got() {
		require.NoError(t, verifier.Verify(p.body, p.header))
		require.Equal(t, "application/json; charset=utf-8", p.header.Get("Content-Type"))
		var body map[string]any
		require.NoError(t, json.Unmarshal(p.body, &body))
		require.Len(t, body, 4)
		require.Equal(t, d, body["deployment_id"])
		_, err := time.Parse(time.RFC3339, body["timestamp"].(string))
		require.NoError(t, err)
		told = append(told, fmt.Sprint(body["current_step"], " ", body["progress_percentage"]))
	}
	require.Equal(t, []string{
		"準備部署 0", "連接伺服器 0", "傳輸檔案 10", "安裝依賴 20", "等待下一批伺服器 50", "清理 99", "部署完成 100",
	}, told, "neither of what another does, nor of what changes nothing")
	require.Equal(t, "modes", f.get("/v1/webhooks/"+d).is(200).text("callback_format"))
	f.eventually(func() bool { return len(f.get("/v1/webhooks/"+d+"/deliveries?state=delivered").column("id")) == 7 }, "all are delivered")

	errs := f.post("/v1/deployments", wanted.with(object{"callback_format": "xml"})).refused(422, "invalid_request")
	require.Contains(t, errs, "callback_format")
	delete(wanted, "callback_url")
	delete(wanted, "callback_secret")
	require.Contains(t, f.post("/v1/deployments", wanted).refused(422, "invalid_request"), "callback_format")
}
