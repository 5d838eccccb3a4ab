package gateway_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/gateway"
)

// stored returns every message of every stream, as text.
func (f *fixture) stored() map[string]string {
	f.Helper()
	all := map[string]string{}
	names := f.bus.JetStream().StreamNames(f.Context())
	for name := range names.Name() {
		stream, err := f.bus.JetStream().Stream(f.Context(), name)
		require.NoError(f, err)
		for seq := uint64(1); seq <= stream.CachedInfo().State.LastSeq; seq++ {
			msg, err := stream.GetMsg(f.Context(), seq)
			if err == nil {
				header, _ := json.Marshal(msg.Header)
				all[name] += msg.Subject + string(header) + string(msg.Data) + "\n"
				continue
			}
			require.ErrorIs(f, err, jetstream.ErrMsgNotFound)
		}
	}
	require.NoError(f, names.Err())
	return all
}

func TestASecretIsSeenNowhere(t *testing.T) {
	f := start(t, func(c *gateway.Config) {
		c.Log.Level = zerolog.TraceLevel.String()
		c.Fetch.Allow = []string{"127.0.0.0/8"}
	})
	f.withHistory()
	const password, passphrase, signature = "canary-password", "canary-passphrase", "canary-signature"
	key := privateKey(t, newEd25519(t), passphrase)
	secrets := []string{password, passphrase, signature, "canary-secret", f.token, strings.Split(key, "\n")[2]}
	credential := object{"private_key": key, "passphrase": passphrase, "password": password}

	var answers []*reply
	say := func(r *reply) { answers = append(answers, r) }
	server := web("a").with(object{"credential": credential})
	created := f.once("k", "/v1/servers", server).is(201)
	say(created)
	say(f.once("k", "/v1/servers", server).is(201))
	say(f.once("k", "/v1/servers", server.with(object{"port": 1})))
	say(f.post("/v1/servers", server))                                                   // the name is taken
	say(f.post("/v1/servers", server.with(object{"port": 0, password: 1, "user": nil}))) // refused
	say(f.post("/v1/servers", object{"credential": object{"private_key": key, "passphrase": "x" + passphrase}}))
	say(f.post("/v1/servers", object{"credential": object{"private_key": password}}))
	say(f.post("/v1/servers", object{"credential": password}))
	body, err := json.Marshal(server)
	require.NoError(t, err)
	say(f.post("/v1/servers", body[:len(body)-10])) // malformed
	say(f.patch("/v1/servers/"+created.id(), object{"credential": credential}).is(200))
	say(f.get("/v1/servers").is(200))
	say(f.get("/v1/servers/" + created.id()).is(200))

	from := depot(t)
	say(f.once("p", "/v1/packages", fetchOf(from.URL+"/app-1.tar.gz?sig="+signature, digest(tarGz(t)))).is(201))
	say(f.post("/v1/packages", fetchOf(from.URL+"/nothing.tgz?sig="+signature, digest(nil)).with(object{"version": "2"})))
	say(f.post("/v1/packages", fetchOf("http://"+signature+"@127.0.0.1:1/nothing.tgz", digest(nil)).with(object{"version": "2"})))
	say(f.post("/v1/packages", fetchOf("http://127.0.0.1:x/"+signature, digest(nil))))
	f.shop("1")
	say(f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": []string{"a"}}).is(202))
	needs := object{"application": "shop", "version": "1", "servers": []string{"a"}}.with(secret("canary-secret"))
	say(f.once("d", "/v1/deployments", needs).is(202))
	say(f.once("d", "/v1/deployments", needs).is(202))
	say(f.once("d", "/v1/deployments", needs.with(secret("canary-secret2"))).is(422))
	say(f.post("/v1/deployments", needs.with(object{"dry_run": true})).is(200))
	waits := f.post("/v1/deployments", needs.with(object{"approval": object{}})).is(202)
	say(waits)
	say(f.get("/v1/deployments/" + waits.id()).is(200))
	say(f.post("/v1/deployments", needs.with(object{"environment": object{"PASSWORD": "canary-secret"}})).is(422))
	say(f.post("/v1/deployments", needs.with(object{"secrets": "canary-secret"})).is(422))
	say(f.get("/v1/servers?name=" + url.QueryEscape("x") + "&" + signature + "=1"))
	f.send(request{method: "GET", path: "/v1/whoami", anonymous: true, header: map[string]string{"Authorization": "Bearer x" + f.token}})

	f.eventually(func() bool { return strings.Contains(f.stored()["AUDIT"], "whoami.read") }, "the last call is not in the audit log")
	for _, secret := range secrets {
		for name, text := range f.stored() {
			require.NotContains(t, text, secret, "stream %s", name)
		}
		require.NotContains(t, f.log.String(), secret, "log")
		for _, answer := range answers {
			// What the client itself made the name of a field is named back to it.
			named := answer.StatusCode == 422 && strings.Contains(string(answer.raw), `"field":"`+secret)
			require.True(t, named || !strings.Contains(string(answer.raw), secret), "%s", answer.raw)
		}
	}
	require.Contains(t, f.log.String(), "/v1/servers", "there is a log")
}
