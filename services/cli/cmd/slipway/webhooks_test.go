package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestWebhooksAreKeptAndTested(t *testing.T) {
	g, s := shipped(t)
	require.Equal(t, "ID  STATE  EVENTS  URL\n", s.run("webhooks", "list").exits(0).out)
	out := s.run("webhooks", "add", "https://example.com/in", "--event", "deployment.failed", "--application", "shop", "--description", "chat").exits(0).out
	require.Regexp(t, `Secret +whsec_\S+ \(shown this once\)`, out)
	sent := g.Seen(http.MethodPost, "/v1/webhooks")
	require.JSONEq(t, `{"url":"https://example.com/in","events":["deployment.failed"],"applications":["shop"],"description":"chat"}`, string(sent[0].Body))
	id := document[struct{ Items []client.Webhook }](s.run("webhooks", "list", "-o", "json").exits(0)).Items[0].ID
	require.Regexp(t, id+` +active +deployment.failed +https://example.com/in\n`, s.run("webhooks", "list").exits(0).out)
	require.NotContains(t, s.run("webhooks", "show", id).exits(0).out, "whsec_")

	require.Regexp(t, `State +delivered\n(.*\n)*Last try +200 in 12 ms\nAnswer +thanks\nSent +\{`, s.run("webhooks", "test", id).exits(0).out)
	g.FailWebhooks()
	require.Contains(t, s.run("webhooks", "test", id).exits(1).out, "it answered 418")
	dead := document[struct{ Items []client.Delivery }](s.run("webhooks", "deliveries", id, "--state", "dead", "-o", "json").exits(0)).Items
	require.Len(t, dead, 1)
	require.Regexp(t, dead[0].ID+` +webhook.test +dead +1 `, s.run("webhooks", "deliveries", id).exits(0).out)
	require.Contains(t, s.run("webhooks", "deliveries", id, dead[0].ID).exits(0).out, `"specversion":"1.0"`)
	require.Equal(t, "Sending again: "+dead[0].ID+".\n", s.run("webhooks", "replay", id, dead[0].ID).exits(0).out)
	s.run("webhooks", "replay", id, "none").exits(5)

	require.Regexp(t, `State +paused\n(.*\n)*Reason +moving house\n`, s.run("webhooks", "pause", id, "--reason", "moving house").exits(0).out)
	require.Contains(t, s.run("webhooks", "list", "--state", "paused").exits(0).out, id)
	require.Regexp(t, `State +active\n`, s.run("webhooks", "resume", id).exits(0).out)
	require.Regexp(t, `Old secret +counts until `, s.run("webhooks", "rotate", id, "--overlap", "24h").exits(0).out)
	require.Equal(t, "Removed "+id+".\n", s.run("webhooks", "remove", id).exits(0).out)
	s.run("webhooks", "show", id).exits(5)
}

func TestACallbackIsAskedForWithADeployment(t *testing.T) {
	g, s := shipped(t)
	secret := s.file("secret", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
	s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--callback-url", "https://example.com/done", "--callback-secret-file", secret).exits(0)
	sent := g.Seen(http.MethodPost, "/v1/deployments")
	body := string(sent[len(sent)-1].Body)
	require.Contains(t, body, `"callback_url":"https://example.com/done"`)
	require.Contains(t, body, `"callback_secret":"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"`)
	s.run("deploy", "shop", "--version", "1", "--to", "web-1", "--callback-secret-file", secret).exits(2)
}
