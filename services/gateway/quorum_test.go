package gateway_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/bustest"
	"github.com/slipway-deploy/slipway/libs/config"
	"github.com/slipway-deploy/slipway/libs/lifecycletest"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

// startOnCluster runs a gateway on three servers, each of which stores everything.
func startOnCluster(t *testing.T) (*fixture, []*bustest.Server) {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	servers := bustest.StartCluster(t, 3)
	f := &fixture{TB: t, key: key, log: &lifecycletest.Output{}, client: held(t, nil)}
	config.Defaults(&f.cfg)
	f.cfg.Listen, f.cfg.SealPublicKey = "127.0.0.1:0", key.Public().String()
	// Longer than a busy machine needs, and shorter than a leader without a majority leads on.
	f.cfg.Timeouts.Broker, f.cfg.Timeouts.Query, f.cfg.Timeouts.Inspect = 8*time.Second, patience, patience
	f.cfg.NATS.URL, f.cfg.NATS.Replicas = bustest.URLs(servers), 3
	conn, err := bus.Connect(f.cfg.NATS, t.Name(), zerolog.Nop(), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	f.bus, err = bus.Open(t.Context(), conn, f.cfg.NATS, zerolog.Nop())
	require.NoError(t, err)
	f.token, _, err = gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop())
	require.NoError(t, err)
	service, err := gateway.New(f.cfg, zerolog.New(f.log), nats.ReconnectWait(20*time.Millisecond))
	require.NoError(t, err)
	lifecycletest.Start(f, service.Run)
	f.url = "http://" + service.Addr()
	return f, servers
}

func TestWithoutAQuorumNothingIsAcceptedAndNothingIsLost(t *testing.T) {
	f, servers := startOnCluster(t)
	f.complete()
	f.shop("1")
	wanted := object{"application": "shop", "version": "1", "servers": f.fleet("a")}
	first := f.once("first", "/v1/deployments", wanted).is(202).id()
	require.EqualValues(t, 1, f.commands())

	servers[0].Stop() // a minority
	f.eventually(func() bool { return f.once("second", "/v1/deployments", wanted).StatusCode == 202 }, "two of three are not enough")
	second := f.once("second", "/v1/deployments", wanted).is(202).id()
	require.NotEqual(t, first, second)

	lost := func() int { return strings.Count(f.log.String(), "NATS has no quorum") }
	f.eventually(func() bool { return lost() == strings.Count(f.log.String(), "NATS has a quorum again") }, "two of three are enough")
	before := lost()
	servers[1].Stop()
	// Not /readyz: that says so while it connects to the server that is left, too.
	f.eventually(func() bool { return lost() > before }, "it does not notice")
	require.Equal(t, []string{"nats"}, f.get("/readyz").parts())
	f.get("/healthz").is(200)
	for _, path := range []string{"/v1/deployments", "/v1/deployments/" + first + "/rollback", "/v1/servers"} {
		body := map[string]object{"/v1/deployments": wanted, "/v1/servers": web("b")}[path]
		if body == nil {
			body = object{}
		}
		res := f.once("third"+path, path, body)
		res.refused(503, "unavailable")
		require.NotEmpty(t, res.Header.Get("Retry-After"))
		require.Equal(t, "the message broker has no quorum", res.object()["detail"], "it is known, not waited for")
	}

	servers[0].Restart()
	servers[1].Restart()
	var third string
	f.eventually(func() bool {
		res := f.once("third/v1/deployments", "/v1/deployments", wanted)
		third = res.id()
		return res.StatusCode == 202
	}, "it does not recover")
	require.Equal(t, third, f.once("third/v1/deployments", "/v1/deployments", wanted).is(202).id())
	require.EqualValues(t, 3, f.commands(), "each is stored once")
	for _, id := range []string{first, second, third} {
		require.Equal(t, id, f.command(id).Deployment)
	}
	f.eventually(func() bool { return f.get("/readyz").StatusCode == 200 }, "it does not get ready")
}
