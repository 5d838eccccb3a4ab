package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func often(c *gateway.Config) { c.Timeouts.Count = 100 * time.Millisecond }

// parts returns the parts that the answer says are missing.
func (r *reply) parts() (all []string) {
	r.Helper()
	list, _ := r.object()["missing"].([]any)
	for _, one := range list {
		require.NotEmpty(r, one.(map[string]any)["reason"])
		all = append(all, one.(map[string]any)["part"].(string))
	}
	return all
}

func TestAGatewayIsReadyOnceThereIsOneOfEachService(t *testing.T) {
	f := start(t, often)
	missing := []string{"history", "scheduler", "executor"}
	for len(missing) > 0 {
		res := f.get("/readyz")
		res.refused(503, "unavailable")
		require.Equal(t, missing, res.parts())
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		f.heard(f.serve(missing[0]))
		missing = missing[1:]
		f.eventually(func() bool { return len(f.get("/readyz").parts()) == len(missing) }, "a service is not found")
	}
	f.get("/readyz").is(200)
	f.get("/v1/whoami").is(200)
}

func TestProbesAnswerTheSameHoweverTheyAreAsked(t *testing.T) {
	f := start(t, often)
	methods := []string{"GET", "HEAD", "OPTIONS"}
	stands := func(status int) {
		for _, method := range methods {
			f.send(request{method: method, path: "/healthz", anonymous: true}).is(200)
			res := f.send(request{method: method, path: "/readyz", anonymous: true}).is(status)
			require.Equal(t, method == "HEAD", len(res.raw) == 0, "%s: %s", method, res.raw)
			require.Equal(t, status == 503, res.Header.Get("Retry-After") != "", method)
		}
	}
	stands(503)
	f.complete()
	stands(200)
	for _, method := range methods {
		require.Equal(t, 422, f.send(request{method: method, path: "/readyz?x=1"}).StatusCode, method)
	}
	res := f.send(request{method: "POST", path: "/readyz"})
	res.refused(405, "method_not_allowed")
	require.ElementsMatch(t, methods, strings.Split(res.Header.Get("Allow"), ", "))
}

func TestAGatewayIsNotReadyOnceTheLastExecutorStops(t *testing.T) {
	f := start(t, often)
	f.complete()
	second := f.serve("executor")
	second.Stop()
	f.get("/readyz").is(200)
	conn := f.broker.Connect(t, nats.Name("dies"))
	dies, err := bus.Serve(t.Context(), conn, bus.About{Name: "slipway-scheduler"})
	require.NoError(t, err)
	dies.Ready()
	events := "/v1/service-events?state=lost&replica=" + dies.ID()
	f.eventually(func() bool { return len(f.get("/v1/services/slipway-scheduler").object()["replicas"].([]any)) == 2 }, "it is not found")
	conn.Close()
	f.eventually(func() bool { return len(f.get(events).is(200).column("by")) == 1 }, "it is not lost")
	f.get("/readyz").is(200)
	f.eventually(func() bool { return f.get("/v1/services/slipway-scheduler").object()["ready"] == 1.0 }, "it counts")
}

func TestAGatewayIsNotReadyWhileTheStoreOfHistoryIsAway(t *testing.T) {
	f := start(t, often)
	f.heard(f.serve("scheduler"))
	f.heard(f.serve("executor"))
	history := f.serve("history")
	f.heard(history)
	f.eventually(func() bool { return f.get("/v1/health").is(200).text("status") == "ready" }, "it does not get ready")

	history.NotReady()
	f.eventually(func() bool { return f.get("/readyz").StatusCode == 503 }, "it is still ready")
	f.get("/readyz").refused(503, "unavailable")
	require.Equal(t, []string{"history"}, f.get("/readyz").parts())
	res := f.get("/v1/health").is(200)
	require.Equal(t, "degraded", res.text("status"))
	require.Equal(t, []string{"history"}, res.parts())
	require.Equal(t, 0.0, f.get("/v1/services/slipway-history").is(200).object()["ready"])
	f.shop("1")
	f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": f.fleet("a")}).is(202)

	history.Ready()
	f.eventually(func() bool { return f.get("/readyz").StatusCode == 200 }, "it does not get ready again")
	f.eventually(func() bool { return f.get("/v1/health").is(200).text("status") == "ready" }, "it is degraded still")
	require.Equal(t, []string{"ready", "started", "ready", "started"},
		f.get("/v1/service-events?replica="+history.ID()).is(200).column("state"))
}

func TestServicesAreListedPingedAndFollowed(t *testing.T) {
	f := start(t, often)
	f.complete()
	f.eventually(func() bool { return len(f.get("/v1/service-events?state=ready").is(200).column("id")) == 4 }, "it hears of itself")
	named := map[string]map[string]any{}
	for _, one := range f.get("/v1/services").is(200).object()["items"].([]any) {
		service := one.(map[string]any)
		named[service["name"].(string)] = service
	}
	require.Len(t, named, 4)
	require.Equal(t, 1.0, named["slipway-gateway"]["ready"])
	one := named["slipway-executor"]["replicas"].([]any)[0].(map[string]any)
	require.Equal(t, "ready", one["state"])
	id := one["id"].(string)

	var res map[string]any
	answers := func(service, id string) func() bool { // it has a second to
		return func() bool {
			res = f.get("/v1/services/" + service + "/" + id).is(200).object()
			list, _ := res["endpoints"].([]any)
			return res["answers"] == true && (len(list) > 0 || service != "slipway-gateway")
		}
	}
	f.eventually(answers("slipway-executor", id), "it does not answer")
	require.Positive(t, res["ping_ms"])
	require.NotEmpty(t, res["started_at"])
	gateway := named["slipway-gateway"]["replicas"].([]any)[0].(map[string]any)["id"].(string)
	f.eventually(answers("slipway-gateway", gateway), "it does not answer itself")
	require.Equal(t, "slipway.v1.inventory.hostkey", res["endpoints"].([]any)[0].(map[string]any)["subject"])

	require.Equal(t, []string{"ready", "started"}, f.get("/v1/service-events?replica="+id).is(200).column("state"))
	require.Equal(t, []string{"ready", "started"}, f.pages("/v1/service-events?limit=1&service=slipway-executor", "state"))

	for _, path := range []string{"/v1/services/slipway-nobody", "/v1/services/slipway-executor/x", "/v1/services/slipway-history/" + id} {
		f.get(path).refused(404, "not_found")
	}
	for _, query := range []string{"state=gone", "service=a.b", "replica=%3E", "cursor=x", "limit=0", "what=1"} {
		f.get("/v1/service-events?"+query).refused(422, "invalid_request")
	}
	f.get("/v1/services?what=1").refused(422, "invalid_request")
}
