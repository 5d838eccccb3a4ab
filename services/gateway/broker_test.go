package gateway_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/xid"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/proctest"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func TestWithoutABrokerNothingIsAccepted(t *testing.T) {
	f := start(t)
	f.complete()
	ids := f.fleet("a")
	f.shop("1")
	id := xid.New().String()
	impatient := f.runImpatient()
	f.broker.Stop()
	unavailable := func(method, path string, body any) {
		res := f.send(request{method: method, path: path, body: body, url: impatient})
		res.refused(503, "unavailable")
		require.NotEmpty(t, res.Header.Get("Retry-After"), path)
	}
	deployment := object{"application": "shop", "version": "1", "servers": ids}
	unavailable("POST", "/v1/deployments", deployment)
	unavailable("POST", "/v1/deployments/"+id+"/rollback", object{})
	unavailable("POST", initPath, object{"servers": ids, "supervisor": object{"content": "[program:shop]"}})
	unavailable("POST", "/v1/servers", web("b"))
	unavailable("POST", "/v1/known-hosts", object{"known_hosts": "web.example.com " + hostKey(t)})
	unavailable("POST", "/v1/packages", fetchOf("http://example.com/app", digest(nil)))
	for _, path := range []string{
		"/readyz", "/v1/servers", "/v1/servers/" + ids[0], "/v1/packages", "/v1/packages/" + id, "/v1/deployments",
		"/v1/deployments/" + id, "/v1/deployments/" + id + "/targets", "/v1/deployments/" + id + "/logs",
		"/v1/releases?application=shop", "/v1/audit", "/v1/health", "/v1/services", "/v1/services/x", "/v1/services/x/y", "/v1/service-events",
	} {
		unavailable("GET", path, nil)
	}
	unavailable("PATCH", "/v1/servers/"+ids[0], object{"port": 1})
	unavailable("DELETE", "/v1/servers/"+ids[0], nil)
	unavailable("DELETE", "/v1/packages/"+id, nil)
	f.send(request{method: "GET", path: "/healthz", url: impatient}).is(200)

	f.broker.Restart()
	f.eventually(func() bool { return f.get("/readyz").StatusCode == 200 }, "it does not recover")
	require.Zero(t, f.commands())
	res := f.post("/v1/deployments", deployment).is(202)
	require.EqualValues(t, 1, f.commands())
	require.Equal(t, "accepted", f.get("/v1/deployments/"+res.id()).is(200).text("state"))
}

func TestAGatewayWaitsForItsBroker(t *testing.T) {
	f := prepare(t)
	f.openBus()
	token, _, err := gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	f.token = token
	f.broker.Stop()

	port := net.JoinHostPort("127.0.0.1", strconv.Itoa(proctest.ReservePort(t)))
	f.cfg.Listen = port
	f.url = "http://" + port
	service, err := gateway.New(f.cfg, zerolog.New(f.log), nats.InProcessServer(f.broker), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- service.Run(ctx, func() { close(ready) }) }()
	f.eventually(func() bool {
		_, err := f.try(request{method: "GET", path: "/healthz"})
		return err == nil
	}, "it does not listen")
	f.get("/readyz").refused(503, "unavailable")
	f.get("/v1/whoami").refused(503, "unavailable")
	require.Empty(t, service.Addr())

	f.broker.Restart()
	select {
	case <-ready:
	case <-time.After(patience):
		require.FailNow(t, "it does not get ready")
	}
	require.Equal(t, port, service.Addr())
	f.get("/v1/whoami").is(200)
	cancel()
	require.NoError(t, <-ended)
}

func TestAGatewayThatStopsWhileItWaitsStops(t *testing.T) {
	f := prepare(t)
	f.broker.Stop()
	service, err := gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, service.Run(ctx, func() { t.Error("ready without a broker") }))
}

func TestRequestsThatRunAreFinishedWhenItStops(t *testing.T) {
	f := prepare(t)
	f.openBus()
	f.token, _, _ = gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	service, err := gateway.New(f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- service.Run(ctx, func() { close(ready) }) }()
	<-ready
	f.url = "http://" + service.Addr()
	f.fleet("a")
	asked := make(chan struct{})
	f.respond(contract.ReleasesSubject(""), func(m contract.Message) contract.Body {
		close(asked)
		<-ctx.Done()
		host := m.Body.(contract.Inspect).Targets[0].Host
		return contract.Releases{Hosts: []contract.HostReleases{{Host: host, Current: "1", Intact: true}}}
	})
	answered := make(chan *reply, 1)
	go func() { answered <- f.get("/v1/releases?application=shop") }()
	<-asked
	cancel()
	require.Equal(t, []string{"1"}, (<-answered).is(200).column("current"))
	require.NoError(t, <-ended)
}
