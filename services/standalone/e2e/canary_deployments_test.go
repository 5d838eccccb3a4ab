package e2e

import (
	"net/http"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// projects keep secrets for deployments, and lists of them: each kind of thing that can gives its own to one host.
func (a *aviary) projects(h *hosttest.Host) {
	secrets := map[string]string{}
	kept := func(name, what string, more map[string]any) map[string]any {
		secrets[name] = a.canary("a secret of " + what)
		more["name"], more["secrets"] = "shop", map[string]string{name: secrets[name]}
		return more
	}
	for _, one := range []struct {
		path string
		body map[string]any
	}{
		{"/v1/projects", kept("OF_PROJECT", "a project", map[string]any{})},
		{"/v1/projects/shop/applications", kept("OF_APPLICATION", "an application of a project", map[string]any{})},
		{"/v1/projects/shop/stages", kept("OF_STAGE", "a stage", map[string]any{"defaults": map[string]any{"servers": []string{h.Name}}})},
		{"/v1/projects/shop/templates", kept("OF_TEMPLATE", "a template", map[string]any{"defaults": map[string]any{"application": app}})},
		{"/v1/groups", map[string]any{"name": "all", "selector": map[string]string{"role": "web"}}},
	} {
		must[any](a.t, a.client, request{method: "POST", path: one.path, body: one.body}, http.StatusCreated)
	}
	takes := ""
	for name := range secrets {
		takes += `printf %s "$` + name + `" >"$HOME/` + name + `";`
	}
	a.accepted(request{method: "POST", path: "/v1/deployments", body: map[string]any{
		"project": "shop", "stage": "shop", "template": "shop", "version": "v1", "hooks": map[string]any{"after": []map[string]any{{"name": "take", "command": takes}}},
	}})
	for name, secret := range secrets {
		requireTookAs(a.t, h, name, secret)
	}
	bad := kept("KEPT", "a template that is refused", map[string]any{})
	bad["defaults"] = map[string]any{"secrets": map[string]string{"KEPT": a.canary("a secret among defaults")}}
	a.refused("POST", "/v1/projects/shop/templates", bad)
}

// telling has two secrets for each host, whose hook takes them and says them in every form that is hidden.
type telling struct {
	names             []string
	secret, ofHook    string
	receiver, signing string
}

func (d telling) request(version, exit string) request {
	says := `printf %s "$TOKEN" >"$HOME/TOKEN"; printf %s "$HOOK" >"$HOME/HOOK"; ` +
		`printf '%.9s' "$TOKEN"; echo "${TOKEN#?????????}"; echo "$HOOK" >&2; env; printf %s "$TOKEN" | base64 -w0; set -x; : "$TOKEN" "$HOOK"; exit ` + exit
	return request{method: "POST", path: "/v1/deployments", header: map[string]string{"Idempotency-Key": uniqueKey()}, body: map[string]any{
		"application": app, "version": version, "servers": d.names, "secrets": map[string]string{"TOKEN": d.secret},
		"failures": map[string]any{"batch": "100%", "total": "100%"}, "callback_url": d.receiver, "callback_secret": d.signing,
		"hooks": map[string]any{"after": []map[string]any{{"name": "tell", "rollback": true, "secrets": map[string]string{"HOOK": d.ofHook}, "command": says}}},
	}}
}

// deployments have secrets that are given back on retries and rollbacks. It returns one that has failed.
func (a *aviary) deployments(hosts []*hosttest.Host, names []string) (failed string) {
	key := a.canary("the secret of a callback")
	receiver := a.receiver(key, http.StatusOK)
	ask := telling{names: names, secret: a.canary("a secret of an application"), ofHook: a.canary("a secret of a hook"), receiver: receiver.URL, signing: signing(key)}
	dry := ask.request("v1", "0")
	dry.body.(map[string]any)["dry_run"] = true
	must[any](a.t, a.client, dry, http.StatusOK)
	ended := func(r request) string {
		d := must[deployment](a.t, a.client, r, http.StatusAccepted)
		a.await(a.t, d.ID, patience)
		for _, path := range []string{"", "/targets", "/logs"} {
			must[any](a.t, a.client, request{method: "GET", path: "/v1/deployments/" + d.ID + path}, http.StatusOK)
		}
		for _, h := range hosts[:3] {
			requireTookAs(a.t, h, "TOKEN", ask.secret)
			requireTookAs(a.t, h, "HOOK", ask.ofHook)
		}
		return d.ID
	}
	first := a.targets(a.t, ended(ask.request("v1", "0")))
	require.Equal(a.t, "auth_failed", first["wrong"].Failure.Code) // with the password that is wrong, nothing runs
	failed = ended(ask.request("v2", "3"))
	eventually(a.t, func() bool { return receiver.signed.Load() >= 2 }, "both are called back")
	for _, next := range []string{"/retry", "/rollback"} {
		_ = a.said(a.t, ended(request{
			method: "POST", path: "/v1/deployments/" + failed + next, body: map[string]any{}, header: map[string]string{"Idempotency-Key": uniqueKey()},
		}), nil)
	}
	bad := ask.request("v1", "0").body.(map[string]any)
	bad["secrets"] = map[string]any{"TOKEN": []string{a.canary("a secret in a list of values")}}
	a.refused("POST", "/v1/deployments", bad)
	bad["secrets"] = a.canary("secrets that are a text")
	a.refused("POST", "/v1/deployments", bad)
	return failed
}

// batch asks for two deployments at once, one of which is refused.
func (a *aviary) batch(h *hosttest.Host) {
	secret := a.canary("a secret of a deployment of a batch")
	good := withSecret("v2", secret, h.Name).body
	bad := withSecret("v2", a.canary("a secret of one of a batch that is refused"), h.Name).body.(map[string]any)
	bad["environment"] = map[string]any{"TOKEN": a.canary("a variable that is a secret, too")}
	made := must[struct {
		Items []struct{ Deployment *deployment }
	}](a.t, a.client, request{method: "POST", path: "/v1/deployments/batch", body: map[string]any{"deployments": []any{good, bad}}}, http.StatusOK)
	require.Len(a.t, made.Items, 2)
	require.Nil(a.t, made.Items[1].Deployment)
	a.succeed(a.t, made.Items[0].Deployment.ID)
	requireTook(a.t, h, secret)
}

// waiting asks for a deployment with variables that are sealed, to be approved.
func (a *aviary) waiting(h *hosttest.Host, secret, sealed string) string {
	r := withSecret("v1", secret, h.Name)
	body := r.body.(map[string]any)
	body["sealed_environment"], body["approval"] = map[string]string{"SEALED": sealed}, map[string]any{}
	body["hooks"] = map[string]any{"after": []map[string]any{{
		"name": "take", "command": `printf %s "$TOKEN" >"$HOME/TOKEN"; printf %s "$SEALED" >"$HOME/SEALED"; echo "$SEALED"`,
	}}}
	d := must[deployment](a.t, a.client, r, http.StatusAccepted)
	a.awaitState(a.t, d.ID, "awaiting_approval")
	return d.ID
}

// approve lets a deployment go on that has waited, to a host that takes what was sealed.
func (a *aviary) approve(h *hosttest.Host, id, secret, sealed string) {
	a.control(a.t, id, "approve", map[string]string{"digest": a.course(a.t, id).Digest})
	a.succeed(a.t, id)
	requireTookAs(a.t, h, "TOKEN", secret)
	requireTookAs(a.t, h, "SEALED", sealed)
}

// approved is a deployment that waits for an approval, one that is given and one that is not.
func (a *aviary) approved(h *hosttest.Host) {
	secret, sealed := a.canary("a secret that waits for an approval"), a.canary("a sealed variable that waits for an approval")
	a.approve(h, a.waiting(h, secret, sealed), secret, sealed)
	id := a.waiting(h, a.canary("a secret that is rejected"), a.canary("a sealed variable that is rejected"))
	a.control(a.t, id, "reject", map[string]string{"reason": "no"})
	bad := withSecret("v1", a.canary("a secret beside a sealed variable"), h.Name).body.(map[string]any)
	bad["sealed_environment"] = map[string]any{"TOKEN": a.canary("a sealed variable of the name of a secret"), "1": a.canary("a sealed variable of no name")}
	a.refused("POST", "/v1/deployments", bad)
}
