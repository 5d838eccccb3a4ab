package e2e

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/otlptest"
)

const issuer = "https://issuer.example.com"

// signedJWT is a token of an administrator by a secret that is shared with the gateway.
func signedJWT(t testing.TB, secret string) string {
	t.Helper()
	part := func(v map[string]any) string {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	now := time.Now()
	text := part(map[string]any{"alg": "HS256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": issuer, "aud": "slipway", "sub": "ann", "slipway": []string{"administrator"},
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// aviary is an installation that is given secrets of each kind, and the secrets.
type aviary struct {
	*standalone
	t        *testing.T
	spans    *otlptest.Receiver
	operator string // the token of operators
	canaries secrets
}

// openAviary runs an installation that logs, traces and counts all that it can.
func openAviary(t *testing.T) *aviary {
	t.Helper()
	a := &aviary{t: t, spans: otlptest.Start(t), operator: "operator-" + rand.Text(), canaries: secrets{"the secret of JWTs": "jwt-" + rand.Text() + rand.Text()}}
	a.canaries["the token of operators"] = a.operator
	a.standalone = newStandalone(t, "--log-level", "trace", "--observe-listen", "127.0.0.1:0", "--observe-token", a.operator,
		"--gateway-webhooks-allow", "127.0.0.0/8", "--gateway-fetch-allow", "127.0.0.0/8", "--executor-sources-allow", "127.0.0.0/8",
		"--gateway-webhooks-retry-first", "50ms", "--gateway-timeouts-beat", "1s",
		"--gateway-jwt-issuer", issuer, "--gateway-jwt-audience", "slipway", "--gateway-jwt-secret", a.canaries["the secret of JWTs"],
		"--gateway-modes-project", "roas", "--gateway-modes-application", "roas-bot", "--gateway-modes-profile", "development", "--gateway-modes-environment", "dev")
	a.process.env = append(a.process.env, "OTEL_EXPORTER_OTLP_ENDPOINT="+a.spans.URL, "OTEL_BSP_SCHEDULE_DELAY=50")
	a.begin(t)
	return a
}

// canary makes a secret with what encodings change in it. Each end of it is looked for, so that a part that something cuts
// off is found as well.
func (a *aviary) canary(what string) string {
	head, end := "canary-"+rand.Text(), rand.Text()[:20]
	a.canaries["the head of "+what], a.canaries["the end of "+what] = head, end
	return head + `+/="&%` + end
}

// try sends a request with whatever comes of it.
func (a *aviary) try(method, path string, body any) answer {
	a.t.Helper()
	got := a.answered(a.t, request{method: method, path: path, body: body, header: map[string]string{"Idempotency-Key": uniqueKey()}})
	return got
}

// refused sends a request that holds a canary where none belongs.
func (a *aviary) refused(method, path string, body any) {
	a.t.Helper()
	got := a.try(method, path, body)
	require.GreaterOrEqual(a.t, got.status, 400, "%s %s: %s", method, path, got)
	require.Less(a.t, got.status, 500, "%s %s: %s", method, path, got)
}

// accepted sends a request for a deployment, and waits until it has succeeded.
func (a *aviary) accepted(r request) string {
	a.t.Helper()
	d := must[deployment](a.t, a.client, r, http.StatusAccepted)
	a.succeed(a.t, d.ID)
	return d.ID
}

// Every flow is gone through with canaries for secrets; nothing that is logged at any level, told, traced, counted, stored,
// answered or refused has one. The hosts and receivers that they are for alone do, and each of those is shown to have got it.
func TestNoCanaryIsSeenOutsideOfItsCage(t *testing.T) {
	t.Parallel()
	a := openAviary(t)
	hosts := hosttest.Start(t, 3, hosttest.WithPassword())
	names := a.servers(hosts)
	a.uploadVersions(t, 0, "v1", "v2")
	hosts = append(hosts, a.lists()...)
	hosts = append(hosts, a.jumps()...)
	a.callers()
	a.webhooks()
	a.sources(names)
	a.projects(hosts[0])
	failed := a.deployments(hosts, names)
	a.batch(hosts[0])
	a.approved(hosts[0])
	hosts = append(hosts, a.dialects()...)
	a.look(names, failed)
	a.walk()
	a.operators()
	a.rotated(hosts[0])
	a.traced()

	// Keys of hosts, passwords and the first token are looked for as well.
	requireNoSecrets(t, a.standalone, hosts, a.canaries)
	requireFindsWhatIsPlanted(t, a)
}

// callers come by tokens, by JWTs and by what is neither.
func (a *aviary) callers() {
	// Its answer shows the token, this once: it is not in the transcript.
	made := newClient(a.t, a.t.TempDir(), a.url, a.token).answered(a.t, request{method: "POST", path: "/v1/tokens", body: map[string]any{
		"name": "machine", "grants": []map[string]any{{"role": "administrator"}},
	}})
	require.Equal(a.t, http.StatusCreated, made.status, "%s", made)
	var token struct{ ID, Token string }
	require.NoError(a.t, json.Unmarshal(made.body, &token))
	a.canaries["a token"] = token.Token
	jwt := signedJWT(a.t, a.canaries["the secret of JWTs"])
	a.canaries["a JWT"] = jwt[strings.LastIndexByte(jwt, '.')+1:]
	forged := signedJWT(a.t, a.canary("the secret of somebody else's JWTs"))
	a.canaries["a JWT that is forged"] = forged[strings.LastIndexByte(forged, '.')+1:]
	unknown := "slw_" + rand.Text() + rand.Text()
	a.canaries["a token that nobody has"] = unknown
	for credential, want := range map[string]int{token.Token: 200, jwt: 200, forged: 401, unknown: 401} {
		for _, header := range []string{"Bearer " + credential, "Basic " + credential} {
			got := a.answered(a.t, request{method: "GET", path: "/v1/whoami", header: map[string]string{"Authorization": header}})
			if strings.HasPrefix(header, "Bearer") {
				require.Equal(a.t, want, got.status, "%s", got)
			}
		}
	}
	require.Less(a.t, a.try("DELETE", "/v1/tokens/"+token.ID, nil).status, 300)
}

// requireFindsWhatIsPlanted fails the test if its own search would not have found a secret.
func requireFindsWhatIsPlanted(t *testing.T, a *aviary) {
	t.Helper()
	bird := a.canary("what was planted")
	planted := filepath.Join(a.data, "planted")
	require.NoError(t, os.WriteFile(planted, []byte(base64.URLEncoding.EncodeToString([]byte("so: "+bird+"!"))), 0o600))
	both := func(place string) []string {
		return []string{"the head of what was planted stands in " + place, "the end of what was planted stands in " + place}
	}
	require.ElementsMatch(t, both(planted), a.canaries.inFiles(t, a.dir))
	require.NoError(t, os.Remove(planted))

	a.process.start()
	a.process.awaitLog(`Slipway listens on`)
	js := openStreams(t, a.natsURL)
	kv, err := js.KeyValue(t.Context(), contract.BucketServers)
	require.NoError(t, err)
	_, err = kv.PutString(t.Context(), "id.planted", fmt.Sprintf(`{"id":%q}`, url.QueryEscape(bird)))
	require.NoError(t, err)
	require.ElementsMatch(t, both("stream KV_SERVERS, $KV.SERVERS.id.planted"), a.canaries.inStreams(t, js))
	require.Zero(t, a.process.terminate())
	require.NotEmpty(t, a.canaries.inFiles(t, filepath.Join(a.data, "nats")), "it is on disk, too")
}
