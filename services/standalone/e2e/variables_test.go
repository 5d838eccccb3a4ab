package e2e

import (
	"crypto/rand"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// Secrets of an application come to its hosts as they are, also when a deployment is repeated or taken back, and stand
// nowhere else, whatever says them.
func TestSecretVariablesStandOnHostsAlone(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 2)
	names := s.addAll(t, hosts)
	s.uploadVersions(t, 0, "v1", "v2")
	token, line := rand.Text(), rand.Text()
	key := "-----BEGIN KEY-----\n" + line + "\n-----END KEY-----\n"
	odd := "it's \"$HOME\"\n`" + rand.Text() + "` ü✓"
	shown := func(name string) []string { // on each host, and no more
		var all []string
		for _, h := range hosts {
			text, err := os.ReadFile(filepath.Join(h.Home, name))
			require.NoError(t, err)
			require.NoError(t, os.Remove(filepath.Join(h.Home, name)))
			all = append(all, string(text))
		}
		return all
	}
	require.NoError(t, os.WriteFile(filepath.Join(hosts[1].Home, "broken"), nil, 0o600))
	wanted := func(version string) request {
		return request{method: "POST", path: "/v1/deployments", header: map[string]string{"Idempotency-Key": uniqueKey()}, body: map[string]any{
			"application": app, "version": version, "servers": names,
			"secrets": map[string]string{"TOKEN": token, "KEY": key},
			"hooks": map[string]any{"after": []map[string]any{
				{
					"name": "take", "rollback": true, "secrets": map[string]string{"ODD": odd},
					"command": `printf %s "$TOKEN" >"$HOME/TOKEN"; printf %s "$KEY" >"$HOME/KEY"; printf %s "$ODD" >"$HOME/ODD"`,
				},
				{"name": "tell", "command": `[ ! -e "$HOME/broken" ] || { printf '%.5s' "$TOKEN"; echo "${TOKEN#?????} $KEY $(cat "$HOME/ODD" | base64)"; exit 1; }`},
			}},
		}}
	}
	requireTaken := func() {
		require.Equal(t, []string{token, token}, shown("TOKEN"))
		require.Equal(t, []string{key, key}, shown("KEY"))
		require.Equal(t, []string{odd, odd}, shown("ODD"))
	}

	asked := wanted("v1")
	first := must[deployment](t, s.client, asked, http.StatusAccepted)
	require.Equal(t, first.ID, must[deployment](t, s.client, asked, http.StatusAccepted).ID)
	require.Equal(t, "failed", s.await(t, first.ID, patience).State)
	said := s.targets(t, first.ID)[names[1]].Failure
	require.NotNil(t, said)
	require.Contains(t, said.Reason, "hook \"tell\": the command failed: it ended with status 1\n***")
	requireTaken()

	require.NoError(t, os.Remove(filepath.Join(hosts[1].Home, "broken")))
	again := must[deployment](t, s.client, request{method: "POST", path: "/v1/deployments/" + first.ID + "/retry", body: map[string]string{}}, http.StatusAccepted)
	s.succeed(t, again.ID)
	text, err := os.ReadFile(filepath.Join(hosts[1].Home, "TOKEN"))
	require.NoError(t, err)
	require.Equal(t, token, string(text))

	second := must[deployment](t, s.client, wanted("v2"), http.StatusAccepted)
	s.succeed(t, second.ID)
	requireTaken()
	s.succeed(t, s.rollBack(t, second.ID).ID)
	requireTaken()

	requireNoSecrets(t, s, hosts, secrets{
		"a token": token, "the line of a key": line, "a password": odd, "what is odd of it": strings.SplitAfter(odd, "\n")[1],
	})
}
