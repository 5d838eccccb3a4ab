package gateway_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/otlptest"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestWhatAGatewayDoesIsCounted(t *testing.T) {
	f := startSeen(t, withWebhooks(t))
	seen := f.seen
	at := func(method, path string) {
		req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
	}
	require.Equal(t, map[string]float64{"": 1}, seen.Values("nats_connected"))

	f.get("/v1/servers").is(200)
	f.get("/v1/servers/nobody").refused(404, "not_found")
	at("GET", "/v1/nothing/of/the/kind")
	at("BREW", "/v1/servers")
	at("BREW", "/nothing")
	requests := seen.Values("http_requests_total")
	require.Equal(t, 1., requests["GET /v1/servers 2xx"])
	require.Equal(t, 1., requests["GET /v1/servers/:id 4xx"])
	require.Equal(t, 1., requests["GET none 4xx"])
	require.Equal(t, 2., requests["other none 4xx"], "whatever clients make up is one")
	require.Equal(t, 1., seen.Values("http_request_duration_seconds")["GET /v1/servers/:id"])
	require.Equal(t, map[string]float64{"": 0}, seen.Values("http_requests_in_flight"))
	require.Equal(t, map[string]float64{"active": 0, "failing": 0, "paused": 0, "disabled": 0}, seen.Values("webhooks"))
}

func TestWebhooksAreCountedByWhatBecomesOfThem(t *testing.T) {
	f := startSeen(t, withWebhooks(t), func(c *gateway.Config) { c.Webhooks.RetryFor = time.Hour })
	good, bad := newReceiver(t, nil), newReceiver(t, answering(http.StatusTeapot))
	f.hook(object{"url": good.URL})
	f.hook(object{"url": bad.URL})
	f.runs("d1")
	good.await(4)
	f.eventually(func() bool { return f.seen.Values("webhook_deliveries_total")["delivered"] == 4 }, "ends of deliveries")
	f.eventually(func() bool { return f.seen.Values("webhook_tries_total")["refused"] >= 2 }, "tries in vain")
	require.Equal(t, 4., f.seen.Values("webhook_tries_total")["taken"])
	f.eventually(func() bool { return f.seen.Values("webhook_deliveries_waiting")[""] == 4 }, "what waits")
	require.Equal(t, map[string]float64{"": 1}, f.seen.Values("webhook_carrier"))
	f.eventually(func() bool { return f.seen.Values("webhooks")["failing"] == 1 }, "a webhook that fails")
	require.Equal(t, 1., f.seen.Values("webhooks")["active"])

	bad.behave(answering(http.StatusGone))
	f.eventually(func() bool { return f.seen.Values("webhook_deliveries_total")["dead"] >= 1 }, "a death")
	f.eventually(func() bool { return f.seen.Values("webhooks")["disabled"] == 1 }, "a receiver that is gone")
}

// startTraced starts a gateway that is looked at, and where its spans go.
func startTraced(t *testing.T) (*fixture, *otlptest.Receiver) {
	t.Helper()
	spans := otlptest.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", spans.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10") // milliseconds
	f := startSeen(t)
	f.client = http.DefaultClient // openapi.yaml says nothing of dialects
	return f, spans
}

func TestWhatARequestHasDoneIsAPartOfIt(t *testing.T) {
	f, spans := startTraced(t)
	f.withHistory()
	f.fleet("a")
	f.shop("1")
	before := f.seen.Values("http_requests_total")
	for path, body := range map[string]object{
		"/compat/sync/deploy?token=" + f.token: {
			"project_name": "shop", "link_name": "shop", "language": "php", "filename": "shop.tar", "server_list": []string{"nobody"}, "file_url": "http://127.0.0.1:1/shop.tar",
		},
		"/v1/deployments/batch": {"deployments": []object{
			{"application": "shop", "version": "1", "servers": []string{"a"}}, {"application": "shop", "version": "1", "servers": []string{"a"}},
		}},
	} {
		f.post(path, body).is(200)
	}
	for name, n := range f.seen.Values("http_requests_total") {
		want := before[name]
		if name == "POST /compat/sync/deploy 2xx" || name == "POST /v1/deployments/batch 2xx" {
			want = 1
		}
		require.Equal(t, want, n, "%s: what was sent, and nothing else", name)
	}
	times := f.seen.Values("http_request_duration_seconds")
	require.Equal(t, 1., times["POST /compat/sync/deploy"])
	require.Zero(t, times["POST /v1/deployments"])
	require.Equal(t, map[string]float64{"": 2}, f.seen.Values("deployments_accepted_total"))

	parts := func(all []otlptest.Span, name, part string) (n int) {
		for _, outer := range all {
			for _, inner := range all {
				if outer.Name == name && inner.Name == part && inner.Trace == outer.Trace && inner.Parent == outer.ID {
					n++
				}
			}
		}
		return n
	}
	spans.Await(t, func(all []otlptest.Span) bool {
		return parts(all, "POST /compat/sync/deploy", "GET /v1/servers") > 0 && parts(all, "POST /v1/deployments/batch", "POST /v1/deployments") == 2
	}, "spans of all that was done, within those of the requests")
}

func TestReadersAreCountedWhileTheyRead(t *testing.T) {
	f := startSeen(t)
	require.Equal(t, map[string]float64{"": 0}, f.seen.Values("live_readers"))
	reader := f.watch(f.url, "/v1/events", "")
	f.eventually(func() bool { return f.seen.Values("live_readers")[""] == 1 }, "a reader")
	reader.close()
	f.eventually(func() bool { return f.seen.Values("live_readers")[""] == 0 }, "nobody")
	require.NotContains(t, f.seen.Values("http_request_duration_seconds"), "GET /v1/events", "it says nothing how long somebody stays")
	f.eventually(func() bool { return f.seen.Values("http_requests_total")["GET /v1/events 2xx"] == 1 }, "the request")
}
