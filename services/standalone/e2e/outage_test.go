package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// away keeps a process killed for so long, calls meanwhile when it is gone, and starts it again.
func away(t *testing.T, p *process, ready, meanwhile func()) {
	t.Helper()
	back := time.After(outage)
	p.kill()
	meanwhile()
	<-back
	p.start()
	ready()
}

func TestADeploymentGoesOnAfterNATSWasGoneForTenSeconds(t *testing.T) {
	t.Parallel()
	s := newScene(t, 2)
	d, _ := s.begin(t, "v2")
	key := uniqueKey()
	meant := order{Application: app, Version: "v2", Servers: s.names[:1]}.request(key)
	away(t, s.broker, s.awaitBroker, func() {
		for _, ask := range []request{meant, {method: "POST", path: "/v1/servers", body: spec{"name": "late", "address": "192.0.2.1", "user": "deploy"}}} {
			a, err := s.do(ask)
			require.NoError(t, err)
			require.Equal(t, http.StatusServiceUnavailable, a.status, "%s", a)
			require.NotEmpty(t, a.header.Get("Retry-After"))
			require.Equal(t, "unavailable", a.problem(t).Code)
		}
	})
	s.requireAllRight(t, d)
	s.succeed(t, must[deployment](t, s.client, meant, http.StatusAccepted).ID)
	checkReplay(t, s.fleet)
}

func TestADeploymentGoesOnWhileTheStoreIsGoneForTenSeconds(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	d, _ := s.begin(t, "v2")
	away(t, s.store, s.awaitStore, func() {
		s.goOn()
		// The hosts do not wait for documents.
		eventually(t, func() bool { return runs(t, s.hosts[0], appPath) == "v2" }, "the deployment waits for the store")
	})
	s.requireAllRight(t, d)
	checkReplay(t, s.fleet)
}
