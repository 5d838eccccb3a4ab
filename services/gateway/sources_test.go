package gateway_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/gateway"
)

const aCommit = "8f1d2c4b6a7e9f00112233445566778899aabbcc"

func at(version string, source object) object {
	return object{"application": "shop", "version": version, "source": source}
}

// opened is what a command says of the source of its package, and the credential
// inside.
func (f *fixture) opened(deployment string) (contract.Package, contract.SourceCredential) {
	f.Helper()
	p := f.command(deployment).Body.(contract.DeployCommand).Package
	require.NotNil(f, p.Source)
	clear, err := f.key.Open(p.Source.Context(p.ID), seal.Sealed(p.Source.Credential))
	require.NoError(f, err)
	var c contract.SourceCredential
	require.NoError(f, json.Unmarshal(clear, &c))
	return p, c
}

func TestAPackageMayStayAtAURL(t *testing.T) {
	f := start(t)
	f.fleet("a")
	sha := digest([]byte("content"))
	from := object{"url": "https://ci.example.com/a/shop-1.zip?sig=canary", "sha256": strings.ToUpper(sha), "credential": object{"token": "canary"}}
	created := f.post("/v1/packages", at("1", object{"url": from})).is(201)
	require.Equal(t, "shop-1.zip", created.text("filename"))
	require.Equal(t, "zip", created.text("format"))
	require.Equal(t, sha, created.text("sha256"))
	require.Equal(t, object{"url": map[string]any{"url": "https://ci.example.com/a/shop-1.zip"}, "has_credential": true},
		object(created.object()["source"].(map[string]any)))
	path := "/v1/packages/" + created.id()
	require.JSONEq(t, string(created.raw), string(f.get(path).is(200).raw))
	again := f.post("/v1/packages", at("1", object{"url": object{"url": "http://other/x.zip", "sha256": sha}})).is(200)
	require.JSONEq(t, string(created.raw), string(again.raw), "the same content is the first package")
	f.post("/v1/packages", at("1", object{"url": object{"url": "http://other/x.zip", "sha256": digest(nil)}})).refused(409, "version_conflict")

	id := f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": []string{"a"}}).is(202).id()
	p, c := f.opened(id)
	require.Equal(t, contract.SourceCredential{Token: "canary", Query: "sig=canary"}, c)
	require.Equal(t, "https://ci.example.com/a/shop-1.zip", p.Source.URL.URL)
	require.Equal(t, sha, p.SHA256)
	for name, text := range f.stored() {
		require.NotContains(t, text, "canary", "stream %s", name)
	}
	require.NotContains(t, f.log.String(), "canary")

	named := object{"url": "https://ci.example.com/", "sha256": sha, "filename": "x.jar"}
	require.Equal(t, "file", f.post("/v1/packages", at("2", object{"url": named})).is(201).text("format"))
	f.delete(path).is(204)
	f.get(path).refused(404, "not_found")
	ids, chunks := f.objects()
	require.Empty(t, ids)
	require.Zero(t, chunks)
}

func TestAPackageMayStayInS3(t *testing.T) {
	f := start(t)
	f.fleet("a")
	bucket := object{
		"endpoint": "https://s3.example.com:9000/", "bucket": "builds", "key": "shop/1/shop.tar.zst", "region": "eu-1", "sha256": digest(nil),
		"credential": object{"access_key": "AK", "secret_key": "canary", "session_token": "st"},
	}
	created := f.post("/v1/packages", at("1", object{"s3": bucket})).is(201)
	require.Equal(t, "tar.zst", created.text("format"))
	p, c := f.opened(f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": []string{"a"}}).is(202).id())
	require.Equal(t, contract.SourceCredential{AccessKey: "AK", SecretKey: "canary", SessionToken: "st"}, c)
	require.Equal(t, &contract.S3Source{Endpoint: "https://s3.example.com:9000", Bucket: "builds", Key: "shop/1/shop.tar.zst", Region: "eu-1"}, p.Source.S3)
	open := f.post("/v1/packages", at("2", object{"s3": object{"endpoint": "http://s3", "bucket": "bb", "key": "k", "sha256": digest(nil)}})).is(201)
	require.Equal(t, false, open.object()["source"].(map[string]any)["has_credential"])
}

func TestABranchBecomesACommitOnce(t *testing.T) {
	f := start(t)
	f.fleet("a")
	from := object{"url": "https://git.example.com/shop/api.git", "ref": "main", "directory": "php", "submodules": true,
		"credential": object{"username": "ci", "password": "canary"}}
	f.post("/v1/packages", at("1", object{"git": from})).refused(503, "unavailable")

	asked := make(chan contract.ResolveRef, 8)
	answer := contract.ResolvedRef{Commit: aCommit}
	respond := func(m contract.Message) contract.Body {
		asked <- m.Body.(contract.ResolveRef)
		return answer
	}
	f.respond(contract.SourceSubject(""), respond)
	created := f.once("k", "/v1/packages", at("1", object{"git": from})).is(201)
	question := <-asked
	require.Equal(t, contract.ResolveRef{
		Package: created.id(), URL: "https://git.example.com/shop/api.git", Ref: "main", Credential: question.Credential,
	}, question)
	require.Equal(t, "api.tar", created.text("filename"))
	git := created.object()["source"].(map[string]any)["git"].(map[string]any)
	require.Equal(t, map[string]any{
		"url": "https://git.example.com/shop/api.git", "commit": aCommit, "ref": "main", "directory": "php", "submodules": true,
	}, git)
	f.once("k", "/v1/packages", at("1", object{"git": from})).is(201)
	require.Empty(t, asked, "the same request is answered with the first")

	p, c := f.opened(f.post("/v1/deployments", object{"application": "shop", "version": "1", "servers": []string{"a"}}).is(202).id())
	require.Equal(t, contract.SourceCredential{Username: "ci", Password: "canary"}, c)
	require.Equal(t, p.Source.Git.Digest(), p.SHA256)
	require.Equal(t, aCommit, p.Source.Git.Commit)

	answer.Commit = strings.Repeat("b", 40)
	f.post("/v1/packages", at("1", object{"git": from})).refused(409, "version_conflict")
	for code, problem := range map[string]string{contract.FailSourceRefused: "fetch_refused", contract.FailSourceDenied: "fetch_failed"} {
		answer = contract.ResolvedRef{Failure: &contract.Failure{Code: code, Reason: "because"}}
		res := f.post("/v1/packages", at("2", object{"git": from}))
		res.refused(422, problem)
		require.Contains(t, string(res.raw), "because")
	}
	f.respond(contract.SourceSubject("dmz"), func(contract.Message) contract.Body { return contract.ResolvedRef{Commit: aCommit} })
	f.post("/v1/packages", at("3", object{"git": from.with(object{"zone": "dmz"})})).is(201)
	for len(asked) > 0 {
		<-asked
	}
	named := object{"url": "file:///srv/git/shop", "commit": aCommit}
	f.post("/v1/packages", at("4", object{"git": named})).is(201)
	require.Empty(t, asked, "a commit needs nobody to find it")
}

func TestOverSSHAKeyAndAHostKeyAreNeeded(t *testing.T) {
	f := start(t)
	key := privateKey(t, newEd25519(t), "canary")
	shown := hostKey(t)
	f.respond(contract.SourceSubject(""), func(m contract.Message) contract.Body {
		if m.Body.(contract.ResolveRef).HostKey != shown {
			return contract.ResolvedRef{Failure: &contract.Failure{Code: "x", Reason: "another host key"}}
		}
		return contract.ResolvedRef{Commit: aCommit}
	})
	good := object{"url": "ssh://git@git.example.com:2222/shop.git", "ref": "v1", "host_key": shown + " a comment",
		"credential": object{"private_key": key, "passphrase": "canary"}}
	created := f.post("/v1/packages", at("1", object{"git": good})).is(201)
	require.Equal(t, "shop.tar", created.text("filename"))
	for field, spoil := range map[string]object{
		"source.git.host_key":               {"host_key": nil},
		"source.git.credential":             {"credential": nil},
		"source.git.credential.passphrase":  {"credential": object{"private_key": key, "passphrase": "x"}},
		"source.git.credential.private_key": {"credential": object{"private_key": "x"}},
		"source.git.credential.password":    {"credential": object{"private_key": key, "passphrase": "canary", "password": "x"}},
	} {
		body := good.with(spoil)
		for name, value := range spoil {
			if value == nil {
				delete(body, name)
			}
		}
		require.Contains(t, f.post("/v1/packages", at("2", object{"git": body})).refused(422, "invalid_request"), field)
	}
}

func TestWhatASourceMayNotBe(t *testing.T) {
	f := start(t)
	for _, c := range []struct {
		source object
		fields []string
	}{
		{object{}, []string{"source"}},
		{object{"url": object{"url": "http://a/b", "sha256": digest(nil)}, "git": object{"url": "https://a/b", "commit": aCommit}}, []string{"source"}},
		{object{"ftp": object{}}, []string{"source", "source.ftp"}},
		{object{"url": object{}}, []string{"source.url.url", "source.url.sha256", "source.url.filename"}},
		{object{"url": object{"url": "http://u:p@a/b", "sha256": "x", "filename": "/", "colour": 1}},
			[]string{"source.url.url", "source.url.sha256", "source.url.filename", "source.url.colour"}},
		{object{"url": object{"url": "http://a/b", "sha256": digest(nil), "credential": object{"token": "a", "username": "b"}}}, []string{"source.url.credential.token"}},
		{object{"s3": object{"region": "a b"}}, []string{
			"source.s3.endpoint", "source.s3.bucket", "source.s3.key", "source.s3.sha256", "source.s3.region"}},
		{object{"s3": object{"endpoint": "http://a", "bucket": "bb", "key": "k", "sha256": digest(nil), "credential": object{"access_key": "a"}}},
			[]string{"source.s3.credential.secret_key"}},
		{object{"git": object{}}, []string{"source.git.url", "source.git.ref"}},
		{object{"git": object{"url": "git@a:b", "ref": "-x", "commit": "abc", "directory": "..", "zone": "A B", "submodules": "yes", "host_key": "x"}},
			[]string{"source.git.url", "source.git.ref", "source.git.commit", "source.git.directory", "source.git.zone", "source.git.submodules", "source.git.host_key"}},
		{object{"git": object{"url": "https://a/b", "ref": "main", "credential": object{"private_key": "x", "username": "a:b", "password": "c"}}},
			[]string{"source.git.credential.private_key", "source.git.credential.username"}},
	} {
		bad := f.post("/v1/packages", at("1", c.source)).refused(422, "invalid_request")
		for _, field := range c.fields {
			require.Contains(t, bad, field)
		}
	}
	bad := f.post("/v1/packages", object{"source": object{}, "sha256": "x"}).refused(422, "invalid_request")
	for _, field := range []string{"application", "version", "sha256", "source"} {
		require.Contains(t, bad, field)
	}
	f.nothingIsKept()
}

func TestAnExecutorThatDoesNotFindACommitInTimeIsNotWaitedFor(t *testing.T) {
	f := start(t, func(c *gateway.Config) { c.Timeouts.Resolve = 200 * time.Millisecond })
	f.respond(contract.SourceSubject(""), func(contract.Message) contract.Body { return nil })
	f.post("/v1/packages", at("1", object{"git": object{"url": "https://a/b", "ref": "main"}})).refused(503, "unavailable")
}
