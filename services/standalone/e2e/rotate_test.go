package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// keysIn are the ids of the keys in a file, the newest first.
func keysIn(t testing.TB, file string) []string {
	t.Helper()
	keys, err := seal.LoadOrCreateKeyFile(file)
	require.NoError(t, err)
	return keys.IDs()
}

// withSecret is a deployment whose secret the host is left with in a file.
func withSecret(version, secret string, names ...string) request {
	return request{method: "POST", path: "/v1/deployments", header: map[string]string{"Idempotency-Key": uniqueKey()}, body: map[string]any{
		"application": app, "version": version, "servers": names, "secrets": map[string]string{"TOKEN": secret},
		"hooks": map[string]any{"after": []map[string]any{{"name": "take", "command": `printf %s "$TOKEN" >"$HOME/TOKEN"`}}},
	}}
}

func requireTook(t testing.TB, h *hosttest.Host, secret string) {
	t.Helper()
	requireTookAs(t, h, "TOKEN", secret)
}

// requireTookAs fails the test unless a host has taken a secret by a name. It takes it away again.
func requireTookAs(t testing.TB, h *hosttest.Host, name, secret string) {
	t.Helper()
	file := filepath.Join(h.Home, name)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, secret, string(text))
	require.NoError(t, os.Remove(file))
}

// requireNotAtRest looks for keys in every bucket, be it one that nobody thought of.
func requireNotAtRest(t testing.TB, js jetstream.JetStream, ids ...string) {
	t.Helper()
	names := js.StreamNames(t.Context())
	for name := range names.Name() {
		if !strings.HasPrefix(name, "KV_") {
			continue
		}
		for _, m := range readStream(t, js, name) {
			for _, id := range ids {
				require.NotContains(t, string(m.data), "v1."+id, "%s", m.subject)
			}
		}
	}
	require.NoError(t, names.Err())
}

// Services run all the while: executors get the new key first, gateways then, and what rests is sealed anew at last. A job
// that was sealed to the older key before all of that begins after it.
func TestKeysAreRotatedWhileServicesRun(t *testing.T) {
	t.Parallel()
	f := startFleet(t, fleetSize{schedulers: 1, executors: 2})
	js := openStreams(t, f.natsURL)
	hosts := hosttest.Start(t, 2)
	near := f.add(t, specOf(hosts[0]))
	far := specOf(hosts[1])
	far["labels"] = inZone("far")["labels"]
	farAway := f.add(t, far)
	f.uploadVersions(t, 0, "v1", "v2")
	f.succeed(t, must[deployment](t, f.client, withSecret("v1", "first secret", near.Name), http.StatusAccepted).ID)
	requireTook(t, hosts[0], "first secret")
	waits := must[deployment](t, f.client, withSecret("v1", "second secret", farAway.Name), http.StatusAccepted)
	awaitJob(t, js, "far", farAway.ID)

	older := keysIn(t, f.keyFile)[0]
	public := f.output("slipway-executor", "newkey", f.keyFile)
	for _, p := range f.executors {
		p.terminate()
		p.start()
		p.awaitLog(`"message":"ready"`)
	}
	f.gateway.args = append(f.gateway.args, "--seal-public-key", public)
	f.gateway.terminate()
	f.gateway.start()
	f.gateway.awaitLog(`"message":"ready"`)
	said := f.output("slipway-executor", "reseal", "--seal-private-key-file", f.keyFile, "--nats-url", f.natsURL)
	newer := keysIn(t, f.keyFile)[0]
	require.NotEqual(t, older, newer)
	require.Contains(t, said, "key "+older+": to be kept; names it: 0 at rest, ", "commands and the job: %s", said)
	requireNotAtRest(t, js, older)

	f.succeed(t, must[deployment](t, f.client, withSecret("v2", "third secret", near.Name), http.StatusAccepted).ID)
	requireTook(t, hosts[0], "third secret")
	f.newExecutor("--zones", "far").start()
	f.succeed(t, waits.ID)
	requireTook(t, hosts[1], "second secret")

	p := newProcess(t, f.dir, "drop", "slipway-executor", "dropkey", f.keyFile, newer)
	p.start()
	require.Equal(t, 1, p.awaitExit(), "the newest is not dropped")
	require.Equal(t, public, f.output("slipway-executor", "dropkey", f.keyFile, older))
	require.Equal(t, []string{newer}, keysIn(t, f.keyFile))
	// With the older key gone, what is new works on.
	for _, p := range f.executors {
		p.terminate()
		p.start()
		p.awaitLog(`"message":"ready"`)
	}
	f.succeed(t, must[deployment](t, f.client, withSecret("v1", "fourth secret", near.Name, farAway.Name), http.StatusAccepted).ID)
	requireTook(t, hosts[0], "fourth secret")
}

func TestStandaloneRotatesItsKeysWhileItIsStopped(t *testing.T) {
	t.Parallel()
	s := startStandalone(t, "--gateway-webhooks-allow", "127.0.0.0/8")
	hosts := hosttest.Start(t, 1)
	name := s.addAll(t, hosts)[0]
	s.uploadVersions(t, 0, "v1", "v2")
	must[any](t, s.client, request{method: "POST", path: "/v1/webhooks", body: map[string]any{"url": "http://127.0.0.1:1/"}}, http.StatusCreated)
	s.succeed(t, must[deployment](t, s.client, withSecret("v1", "first secret", name), http.StatusAccepted).ID)
	second := must[deployment](t, s.client, withSecret("v2", "second secret", name), http.StatusAccepted)
	s.succeed(t, second.ID)
	rotate := func() string {
		require.Zero(t, s.process.terminate())
		p := newProcess(t, s.dir, "rotate", "slipway-standalone", "rotate-keys", "--data", s.data)
		p.start()
		require.Zero(t, p.awaitExit(), p.output())
		s.process.start()
		s.process.awaitLog(`Slipway listens on`)
		return p.output()
	}
	credentials, webhooks := filepath.Join(s.data, "seal.key"), filepath.Join(s.data, "webhooks.key")
	older, olderHooks := keysIn(t, credentials)[0], keysIn(t, webhooks)[0]
	said := rotate()
	require.Contains(t, said, "key "+older+": to be kept", "commands name it")
	require.Len(t, keysIn(t, credentials), 2)
	require.Len(t, keysIn(t, webhooks), 1, "nothing names the older one")
	require.NotEqual(t, olderHooks, keysIn(t, webhooks)[0])

	// The command that is rolled back to is sealed to the older key.
	s.succeed(t, s.rollBack(t, second.ID).ID)
	requireRuns(t, hosts[0], "v1")
	s.succeed(t, must[deployment](t, s.client, withSecret("v2", "third secret", name), http.StatusAccepted).ID)
	requireTook(t, hosts[0], "third secret")
	rotate()
	require.Len(t, keysIn(t, credentials), 3, "commands name each of them")
	s.succeed(t, must[deployment](t, s.client, withSecret("v1", "fourth secret", name), http.StatusAccepted).ID)
	js := openStreams(t, s.natsURL)
	requireNotAtRest(t, js, keysIn(t, credentials)[1:]...)
}
