package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/require"
)

// signing is a secret as it is given, for deliveries to be signed with.
func signing(secret string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(secret))
}

// signedFor is a receiver that counts the deliveries that are signed with its secret.
type signedFor struct {
	*httptest.Server
	signed atomic.Int32
}

func (a *aviary) receiver(secret string, status int) *signedFor {
	r := &signedFor{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, got *http.Request) {
		body, _ := io.ReadAll(got.Body)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(got.Header.Get("Webhook-Id") + "." + got.Header.Get("Webhook-Timestamp") + "." + string(body)))
		if slices.Contains(strings.Fields(got.Header.Get("Webhook-Signature")), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil))) {
			r.signed.Add(1)
		}
		w.WriteHeader(status)
	}))
	a.t.Cleanup(r.Close)
	return r
}

// webhooks are signed with secrets, by receivers that fail, too.
func (a *aviary) webhooks() {
	older, newer := a.canary("the secret of a webhook"), a.canary("its next secret")
	receiver := a.receiver(newer, http.StatusTeapot)
	hook := must[server](a.t, a.client, request{
		method: "POST", path: "/v1/webhooks", body: map[string]any{"url": receiver.URL, "secret": signing(older)},
	}, http.StatusCreated)
	require.Less(a.t, a.try("POST", "/v1/webhooks/"+hook.ID+"/rotate", map[string]any{"secret": signing(newer)}).status, 300)
	require.Less(a.t, a.try("POST", "/v1/webhooks/"+hook.ID+"/test", nil).status, 300)
	eventually(a.t, func() bool { return receiver.signed.Load() > 0 }, "the test is signed with the next secret")
	login := url.UserPassword("ann", a.canary("a password in a URL")).String()
	a.refused("POST", "/v1/webhooks", map[string]any{"url": "https://" + login + "@example.com/"})
	a.refused("POST", "/v1/webhooks", map[string]any{"url": receiver.URL, "secret": a.canary("what is no secret of a webhook")})
	a.refused("POST", "/v1/deployments", map[string]any{
		"application": app, "version": "v1", "servers": []string{"none"}, "callback_url": "https://" + login + "@example.com/",
		"callback_secret": signing(a.canary("the secret of a callback that is refused")),
	})
}

// sources are packages that stay where they are, with credentials of each kind.
func (a *aviary) sources(names []string) {
	token := a.canary("the token of a depot")
	archive := contentOf("depot", 0).tarGz(a.t)
	var came sync.Map // what requests have shown of themselves
	depot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		for _, it := range []string{password, r.URL.Query().Get("key"), r.Header.Get("X-Amz-Security-Token")} {
			came.Store(it, true)
		}
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "no: "+r.Header.Get("Authorization")+r.URL.RawQuery, http.StatusForbidden)
			return
		}
		_, _ = w.Write(archive)
	}))
	a.t.Cleanup(depot.Close)
	sum := sha256.Sum256(archive)
	digest := hex.EncodeToString(sum[:])
	ask := func(version string, source map[string]any) answer {
		return a.try("POST", "/v1/packages", map[string]any{"application": app, "version": version, "source": source})
	}
	file := func(query string, credential map[string]any) map[string]any {
		described := map[string]any{"url": depot.URL + "/shop.tar.gz" + query, "sha256": digest}
		if credential != nil {
			described["credential"] = credential
		}
		return map[string]any{"url": described}
	}
	password, query, session := a.canary("the password of a depot"), a.canary("a query"), a.canary("a session of S3")
	s3 := map[string]any{"s3": map[string]any{"endpoint": depot.URL, "bucket": "builds", "key": "shop.tar.gz", "sha256": digest, "credential": map[string]any{
		"access_key": "AKIA", "secret_key": a.canary("a key of S3"), "session_token": session,
	}}}
	for version, source := range map[string]map[string]any{
		"depot": file("", map[string]any{"token": token}),
		"login": file("", map[string]any{"username": "ann", "password": password}),
		"query": file("?key="+url.QueryEscape(query), nil),
		"s3":    s3,
	} {
		got := ask(version, source)
		require.Equal(a.t, http.StatusCreated, got.status, "%s: %s", version, got)
		d := a.deploy(a.t, order{Application: app, Version: version, Servers: names[:1]})
		want := map[bool]string{true: "succeeded", false: "failed"}[version == "depot"]
		require.Equal(a.t, want, a.await(a.t, d.ID, patience).State, "%s: %s", version, a.describe(a.t, d.ID))
	}
	for _, it := range []string{password, query, session} {
		_, arrived := came.Load(it)
		require.True(a.t, arrived, it)
	}
	git := func(address string, credential map[string]any) {
		got := ask("git", map[string]any{"git": map[string]any{"url": address, "ref": "main", "credential": credential}})
		require.GreaterOrEqual(a.t, got.status, 400, "%s", got)
	}
	git("https://127.0.0.1:1/shop.git", map[string]any{"username": "ann", "password": a.canary("a password of git")})
	git("https://"+url.UserPassword("ann", a.canary("a password in a URL of git")).String()+"@127.0.0.1:1/shop.git", nil)
	a.refused("POST", "/v1/packages", map[string]any{"application": app, "version": "x", "source": file("", map[string]any{"tokens": a.canary("a credential of no kind")})})
}
