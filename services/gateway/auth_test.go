package gateway_test

import (
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway"
)

func (f *fixture) replaceToken() string {
	f.Helper()
	token, err := gateway.ReplaceBootstrap(f.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(f, err)
	return token
}

func TestTheFirstTokenIsMadeOnce(t *testing.T) {
	f := prepare(t)
	f.openBus()
	var all sync.WaitGroup
	made := make([]string, 8)
	for i := range made {
		all.Go(func() {
			token, created, err := gateway.Bootstrap(t.Context(), f.cfg, zerolog.Nop(), nats.InProcessServer(f.broker))
			if err != nil || created != (token != "") {
				t.Errorf("bootstrap: %v", err)
			}
			made[i] = token
		})
	}
	all.Wait()
	for _, token := range made {
		if token != "" {
			require.Empty(t, f.token, "two tokens were made")
			f.token = token
		}
	}
	require.Regexp(t, `^slw_[A-Za-z0-9_-]{43}$`, f.token)

	f.url = f.run()
	who := f.get("/v1/whoami").is(200)
	require.Equal(t, "bootstrap", who.text("name"))
	require.Equal(t, "token", who.text("kind"))
	require.Equal(t, []any{map[string]any{"role": "administrator"}}, who.object()["grants"])

	cells, err := bus.OpenCells[map[string]any](t.Context(), f.bus, contract.BucketTokens)
	require.NoError(t, err)
	keys, err := cells.Keys(t.Context(), ">")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"bootstrap", digest([]byte(f.token))}, keys, "losers leave nothing behind")
}

func TestBootstrapLeavesTheStreamsOfAnInstallationAsTheyAre(t *testing.T) {
	f := start(t)
	other := f.cfg
	other.NATS.Retention = f.cfg.NATS.Retention / 2
	_, _, err := gateway.Bootstrap(t.Context(), other, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	_, err = gateway.ReplaceBootstrap(t.Context(), other, zerolog.Nop(), nats.InProcessServer(f.broker))
	require.NoError(t, err)
	events, err := f.bus.JetStream().Stream(t.Context(), contract.StreamEvents)
	require.NoError(t, err)
	require.Equal(t, f.cfg.NATS.Retention, events.CachedInfo().Config.MaxAge)
}

func TestAReplacedTokenIsRevoked(t *testing.T) {
	f := start(t)
	f.get("/v1/whoami").is(200)
	before := f.token
	f.token = f.replaceToken()
	f.get("/v1/whoami").is(200)
	f.token = before
	f.eventually(func() bool { return f.get("/v1/whoami").StatusCode == 401 }, "the old token goes on working")
}

func TestABadTokenIsRefusedLikeAnyOther(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Limits.Guesses = 0 })
	var bodies []map[string]any
	for _, authorization := range []string{
		"", "Bearer", "Bearer ", "Bearer x", "Basic " + f.token, f.token, "Bearer slw_" + digest(nil)[:43],
		"Bearer " + digest([]byte(f.token)), "Bearer bootstrap", "Bearer " + f.token + "x", "Bearer " + f.token + ", Bearer x",
	} {
		for _, path := range []string{"/v1/whoami", "/v1/servers/x"} {
			res := f.send(request{method: "GET", path: path, anonymous: true, header: map[string]string{
				"Authorization": authorization, "X-Request-Id": "same",
			}})
			res.refused(401, "unauthorized") //nolint:misspell // as HTTP spells it
			require.Equal(t, `Bearer realm="slipway"`, res.Header.Get("WWW-Authenticate"))
			body := res.object()
			delete(body, "instance")
			bodies = append(bodies, body)
		}
	}
	for _, body := range bodies {
		require.Equal(t, bodies[0], body)
	}
	f.send(request{method: "GET", path: "/v1/whoami", anonymous: true, header: map[string]string{"Authorization": "bearer  " + f.token}}).is(200)
	f.complete()
	for _, path := range []string{"/healthz", "/readyz"} {
		f.send(request{method: "GET", path: path, anonymous: true}).is(200)
	}
}
