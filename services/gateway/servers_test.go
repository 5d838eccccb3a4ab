package gateway_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/seal"
)

// web is a server with nothing wrong with it.
func web(name string) object {
	return object{"name": name, "address": "web.example.com", "user": "deploy", "first_contact": true}
}

// hostKey returns a new host key as an authorized_keys line.
func hostKey(t testing.TB) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := ssh.NewPublicKey(public)
	require.NoError(t, err)
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func publicKey(t testing.TB) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(newEd25519(t).Public())
	require.NoError(t, err)
	return key
}

// certified is a credential with a certificate: one that is valid, after change, or
// this text.
func certified(t testing.TB, change func(*ssh.Certificate), text string) object {
	t.Helper()
	key := newEd25519(t)
	mine, err := ssh.NewPublicKey(key.Public())
	require.NoError(t, err)
	cert := &ssh.Certificate{Key: mine, CertType: ssh.UserCert, ValidPrincipals: []string{"deploy"}, ValidBefore: ssh.CertTimeInfinity}
	change(cert)
	authority, err := ssh.NewSignerFromKey(newEd25519(t))
	require.NoError(t, err)
	require.NoError(t, cert.SignCert(rand.Reader, authority))
	if text == "" {
		text = string(ssh.MarshalAuthorizedKey(cert))
	}
	return object{"credential": object{"private_key": privateKey(t, key, ""), "certificate": text}}
}

// privateKey returns a private key in PEM, encrypted where there is a
// passphrase.
func privateKey(t testing.TB, key any, passphrase string) string {
	t.Helper()
	var block *pem.Block
	var err error
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(key, "")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block))
}

func newEd25519(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return key
}

func TestAServerIsCreatedReadChangedAndDeleted(t *testing.T) {
	f := start(t)
	created := f.post("/v1/servers", web("Größe 1 'quoted' $(x)").with(object{"labels": object{"env": "prod"}})).is(201)
	path := "/v1/servers/" + created.id()
	require.Equal(t, path, created.Header.Get("Location"))
	require.Equal(t, "Größe 1 'quoted' $(x)", created.text("name"))
	require.EqualValues(t, 22, created.object()["port"])
	require.Equal(t, "agent", created.text("credential_kind"))
	require.Equal(t, false, created.object()["has_credential"])

	read := f.get(path).is(200)
	require.JSONEq(t, string(created.raw), string(read.raw))
	require.Equal(t, created.Header.Get("ETag"), read.Header.Get("ETag"))

	key := hostKey(t)
	changed := f.patch(path, object{
		"name": "web-1", "address": "2001:db8::1", "port": 2222, "user": "root", "first_contact": false,
		"host_key": key + " a comment\n", "labels": object{"env": nil, "role": "web"}, "credential": object{"password": "hunter2"},
	}).is(200)
	require.Equal(t, "web-1", changed.text("name"))
	require.Equal(t, key, changed.text("host_key"))
	require.Regexp(t, "^SHA256:", changed.text("host_key_fingerprint"))
	require.Equal(t, map[string]any{"role": "web"}, changed.object()["labels"])
	require.Equal(t, "password", changed.text("credential_kind"))
	require.NotEqual(t, read.Header.Get("ETag"), changed.Header.Get("ETag"))
	require.Equal(t, created.object()["created_at"], changed.object()["created_at"])

	reset := f.patch(path, object{"port": nil, "host_key": nil, "credential": nil, "labels": nil, "first_contact": nil}).is(200)
	require.EqualValues(t, 22, reset.object()["port"])
	require.Empty(t, reset.text("host_key"))
	require.Equal(t, "agent", reset.text("credential_kind"))
	require.Empty(t, reset.object()["labels"])
	require.Equal(t, "web-1", reset.text("name"), "what is left out stays")

	f.delete(path).is(204)
	f.get(path).refused(404, "not_found")
	f.patch(path, object{"port": 1}).refused(404, "not_found")
	f.delete(path).refused(404, "not_found")
	f.post("/v1/servers", web("web-1")).is(201)
}

func TestAPatchMayBeAMergePatch(t *testing.T) {
	f := start(t)
	id := f.post("/v1/servers", web("a")).is(201).id()
	res := f.send(request{method: "PATCH", path: "/v1/servers/" + id, body: object{"port": 23}, media: "application/merge-patch+json"})
	require.EqualValues(t, 23, res.is(200).object()["port"])
}

func TestEveryBadFieldIsNamedAtOnce(t *testing.T) {
	f := start(t)
	bad := f.post("/v1/servers", object{
		"name": "line\nbreak", "address": "-oProxyCommand=x", "user": "-root", "port": 70000,
		"credential": object{"private_key": "nonsense", "password": "a\x00b", "pasword": "x"},
		"host_key":   "nonsense", "first_contact": "yes", "labels": object{"bad key": "x", "env": 1}, "zone": "x",
	}).refused(422, "invalid_request")
	for _, name := range []string{
		"name", "address", "user", "port", "credential.private_key", "credential.password", "credential.pasword",
		"host_key", "first_contact", "labels.bad key", "labels.env", "zone",
	} {
		require.Contains(t, bad, name)
	}
	require.Len(t, bad, 12)

	missing := f.post("/v1/servers", object{}).refused(422, "invalid_request")
	require.Equal(t, map[string]string{"name": "is required", "address": "is required", "user": "is required"}, missing)
}

func TestWhatAServerMayNotBe(t *testing.T) {
	f := start(t)
	id := f.post("/v1/servers", web("taken")).is(201).id()
	encrypted := privateKey(t, newEd25519(t), "secret")
	for name, c := range map[string]struct {
		change object
		field  string
	}{
		"a name with a tab":              {object{"name": "a\tb"}, "name"},
		"a name that cannot be seen":     {object{"name": "a\u200bb"}, "name"},
		"a name that is empty":           {object{"name": ""}, "name"},
		"a name that is too long":        {object{"name": strings.Repeat("ü", 129)}, "name"},
		"a name with a space at its end": {object{"name": "a "}, "name"},
		"a name that looks like an id":   {object{"name": id}, "name"},
		"a name of the form of an id":    {object{"name": strings.Repeat("v", 20)}, "name"},
		"a name of another type":         {object{"name": 1}, "name"},
		"an address with a port":         {object{"address": "host:22"}, "address"},
		"an address in brackets":         {object{"address": "[::1]"}, "address"},
		"an address that is no address":  {object{"address": "10.0.0.256"}, "address"},
		"an address with a space":        {object{"address": "a b"}, "address"},
		"an address with a newline":      {object{"address": "a\n"}, "address"},
		"an empty address":               {object{"address": ""}, "address"},
		"a port of 0":                    {object{"port": 0}, "port"},
		"a port that is no whole number": {object{"port": 22.5}, "port"},
		"a user with a newline":          {object{"user": "root\n"}, "user"},
		"a host key with a host name":    {object{"host_key": "example.com " + hostKey(t)}, "host_key"},
		"a host key with options":        {object{"host_key": `command="x" ` + hostKey(t)}, "host_key"},
		"an empty host key":              {object{"host_key": "\n# nothing\n"}, "host_key"},
		"an agent with a password":       {object{"credential": object{"agent": true, "password": "x"}}, "credential.agent"},
		"a credential of nothing":        {object{"credential": object{"agent": false}}, "credential"},
		"an empty credential":            {object{"credential": object{}}, "credential"},
		"a credential that is text":      {object{"credential": "x"}, "credential"},
		"a passphrase alone":             {object{"credential": object{"passphrase": "x"}}, "credential.passphrase"},
		"a key without its passphrase":   {object{"credential": object{"private_key": encrypted}}, "credential.passphrase"},
		"a wrong passphrase":             {object{"credential": object{"private_key": encrypted, "passphrase": "x"}}, "credential.passphrase"},
		"a passphrase for an open key": {object{"credential": object{
			"private_key": privateKey(t, newEd25519(t), ""), "passphrase": "x"}}, "credential.passphrase"},
		"a certificate alone":             {object{"credential": object{"password": "x", "certificate": "x"}}, "credential.certificate"},
		"a certificate that is none":      {certified(t, func(c *ssh.Certificate) {}, "nonsense"), "credential.certificate"},
		"a certificate for hosts":         {certified(t, func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, ""), "credential.certificate"},
		"an expired certificate":          {certified(t, func(c *ssh.Certificate) { c.ValidBefore = 1700000000 }, ""), "credential.certificate"},
		"another key's certificate":       {certified(t, func(c *ssh.Certificate) { c.Key = publicKey(t) }, ""), "credential.certificate"},
		"an authority that is no key":     {object{"host_ca": "nonsense"}, "host_ca"},
		"a revoked key that is no key":    {object{"revoked_keys": "* " + hostKey(t)}, "revoked_keys"},
		"a legacy algorithm that is good": {object{"legacy_algorithms": []string{"aes256-ctr"}}, "legacy_algorithms[0]"},
		"a legacy algorithm twice":        {object{"legacy_algorithms": []string{"ssh-rsa", "ssh-rsa"}}, "legacy_algorithms[1]"},
		"a legacy algorithm that is null": {object{"legacy_algorithms": []any{nil}}, "legacy_algorithms[0]"},
		"a label value with a newline":    {object{"labels": object{"a": "b\n"}}, "labels.a"},
		"a null label":                    {object{"labels": object{"a": nil}}, "labels.a"},
		"a zone in capitals":              {object{"labels": object{"zone": "DMZ"}}, "labels.zone"},
		"a zone of two words":             {object{"labels": object{"zone": "dmz.a"}}, "labels.zone"},
		"a zone that is a wildcard":       {object{"labels": object{"zone": "*"}}, "labels.zone"},
		"an empty zone":                   {object{"labels": object{"zone": ""}}, "labels.zone"},
		"a zone that is too long":         {object{"labels": object{"zone": strings.Repeat("z", 33)}}, "labels.zone"},
	} {
		bad := f.post("/v1/servers", web("new").with(c.change)).refused(422, "invalid_request")
		require.Contains(t, bad, c.field, name)
		require.Len(t, bad, 1, name)
	}
	many := object{}
	for i := range 65 {
		many[fmt.Sprint("k", i)] = "v"
	}
	require.Contains(t, f.post("/v1/servers", web("new").with(object{"labels": many})).refused(422, "invalid_request"), "labels")

	patch := "/v1/servers/" + id
	require.Contains(t, f.patch(patch, object{"name": nil}).refused(422, "invalid_request"), "name")
	require.Contains(t, f.patch(patch, object{}).refused(422, "invalid_request"), "body")
	require.Contains(t, f.patch(patch, object{"labels": object{"zone": "a b"}}).refused(422, "invalid_request"), "labels.zone")
	require.Contains(t, f.patch(patch, object{"credential": object{}}).refused(422, "invalid_request"), "credential")
	require.Equal(t, map[string]string{"name": "is taken by another one"},
		f.post("/v1/servers", web("taken")).refused(409, "name_taken"))
}

func TestCredentialsCanBeOpenedByTheExecutorsAlone(t *testing.T) {
	f := start(t)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 4096)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		credential contract.Credential
		kind       string
	}{
		"ed25519":   {contract.Credential{PrivateKey: privateKey(t, newEd25519(t), "")}, "private_key"},
		"encrypted": {contract.Credential{PrivateKey: privateKey(t, newEd25519(t), "open"), Passphrase: "open"}, "private_key"},
		"ecdsa":     {contract.Credential{PrivateKey: privateKey(t, ec, ""), Password: "pass"}, "private_key_and_password"},
		"rsa":       {contract.Credential{PrivateKey: privateKey(t, rs, "")}, "private_key"},
		"password":  {contract.Credential{Password: "correct horse"}, "password"},
	} {
		created := f.post("/v1/servers", web(name).with(object{"credential": c.credential})).is(201)
		require.Equal(t, c.kind, created.text("credential_kind"))
		require.Equal(t, true, created.object()["has_credential"])
		require.NotContains(t, created.object(), "credential")

		sealed := f.storedServer(created.id()).Credential
		clear, err := f.key.Open(contract.CredentialContext(created.id()), seal.Sealed(sealed))
		require.NoError(t, err)
		var opened contract.Credential
		require.NoError(t, json.Unmarshal(clear, &opened))
		require.Equal(t, c.credential, opened)
	}
}

// storedServer reads a server as it lies in the bucket.
func (f *fixture) storedServer(id string) contract.Target {
	f.Helper()
	cells, err := bus.OpenCells[struct{ Server contract.Target }](f.Context(), f.bus, contract.BucketServers)
	require.NoError(f, err)
	value, _, err := cells.Get(f.Context(), id)
	require.NoError(f, err)
	return value.Server
}

func TestACertificateIsKeptAndItsEndIsSaid(t *testing.T) {
	f := start(t)
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	created := f.post("/v1/servers", web("a").with(certified(t, func(c *ssh.Certificate) { c.ValidBefore = uint64(ends.Unix()) }, ""))).is(201)
	require.Equal(t, "certificate", created.text("credential_kind"))
	require.Equal(t, ends.Format(time.RFC3339), created.text("credential_expires"))
	clear, err := f.key.Open(contract.CredentialContext(created.id()), seal.Sealed(f.storedServer(created.id()).Credential))
	require.NoError(t, err)
	require.Contains(t, string(clear), "ssh-ed25519-cert-v01@openssh.com")

	path := "/v1/servers/" + created.id()
	forever := certified(t, func(*ssh.Certificate) {}, "")
	require.NotContains(t, f.patch(path, forever).is(200).object(), "credential_expires")
	require.Equal(t, "agent", f.patch(path, object{"credential": nil}).is(200).text("credential_kind"))
}

func TestAnAuthorityStandsInForAHostKey(t *testing.T) {
	f := start(t)
	f.shop("1.0")
	authority, revoked := hostKey(t), hostKey(t)
	path := "/v1/servers/" + f.post("/v1/servers", web("a").with(object{"first_contact": false})).is(201).id()
	deploy := object{"application": "shop", "version": "1.0", "servers": []string{"a"}}
	require.Contains(t, f.post("/v1/deployments", deploy).refused(422, "invalid_request"), "servers")
	changed := f.patch(path, object{"host_ca": authority + " our authority\n", "revoked_keys": revoked}).is(200)
	require.Equal(t, authority, changed.text("host_ca"))
	require.Equal(t, revoked, changed.text("revoked_keys"))
	id := f.post("/v1/deployments", deploy).is(202).id()
	target := f.pieces(f.command(id).Body.(contract.DeployCommand).Snapshot)[0][0]
	require.Equal(t, []string{authority, revoked}, []string{target.HostCA, target.RevokedKeys})
	reset := f.patch(path, object{"host_ca": nil, "revoked_keys": nil}).is(200)
	require.NotContains(t, reset.object(), "host_ca")
	require.NotContains(t, reset.object(), "revoked_keys")
}

func TestWhatAnOldServerNeedsIsNamedForItAlone(t *testing.T) {
	f := start(t)
	f.shop("1.0")
	path := "/v1/servers/" + f.post("/v1/servers", web("old").with(object{"legacy_algorithms": []string{"aes128-cbc", "ssh-rsa"}})).is(201).id()
	f.post("/v1/servers", web("behind").with(object{"jump_host": "old"})).is(201)
	id := f.post("/v1/deployments", object{"application": "shop", "version": "1.0", "servers": []string{"behind"}}).is(202).id()
	target := f.pieces(f.command(id).Body.(contract.DeployCommand).Snapshot)[0][0]
	require.Empty(t, target.LegacyAlgorithms)
	require.Equal(t, []string{"aes128-cbc", "ssh-rsa"}, target.Via[0].LegacyAlgorithms)
	require.Equal(t, []any{"ssh-rsa"}, f.patch(path, object{"legacy_algorithms": []string{"ssh-rsa"}}).is(200).object()["legacy_algorithms"])
	require.NotContains(t, f.patch(path, object{"legacy_algorithms": nil}).is(200).object(), "legacy_algorithms")
}

func TestAChangeCanInsistOnARevision(t *testing.T) {
	f := start(t)
	created := f.post("/v1/servers", web("a")).is(201)
	path, first := "/v1/servers/"+created.id(), created.Header.Get("ETag")
	conditional := func(method, tag string, body any) *reply {
		return f.send(request{method: method, path: path, body: body, header: map[string]string{"If-Match": tag}})
	}
	second := conditional("PATCH", first, object{"port": 23}).is(200).Header.Get("ETag")
	for _, tag := range []string{first, "W/" + second, "nonsense", `"0"`, strings.Trim(second, `"`)} {
		conditional("PATCH", tag, object{"port": 24}).refused(412, "precondition_failed")
		conditional("DELETE", tag, nil).refused(412, "precondition_failed")
	}
	require.EqualValues(t, 23, f.get(path).object()["port"])
	conditional("PATCH", "*", object{"port": 25}).is(200)
	last := f.get(path).Header.Get("ETag")
	conditional("DELETE", last, nil).is(204)
}

func TestOfServersCreatedAtOnceWithOneNameOneWins(t *testing.T) {
	f := start(t)
	other := f.run()
	var all sync.WaitGroup
	won := make([]bool, 16)
	for i := range won {
		all.Go(func() {
			base := f.url
			if i%2 == 1 {
				base = other
			}
			won[i] = f.send(request{method: "POST", path: "/v1/servers", body: web("one"), url: base}).StatusCode == 201
		})
	}
	all.Wait()
	require.Len(t, slices.DeleteFunc(won, func(w bool) bool { return !w }), 1)
	require.Len(t, f.get("/v1/servers").column("id"), 1)
}

func TestNamesCanBeSwappedAndTakenOver(t *testing.T) {
	f := start(t)
	a, b := f.post("/v1/servers", web("a")).is(201).id(), f.post("/v1/servers", web("b")).is(201).id()
	f.patch("/v1/servers/"+a, object{"name": "b"}).refused(409, "name_taken")
	f.patch("/v1/servers/"+a, object{"name": "c"}).is(200)
	f.patch("/v1/servers/"+b, object{"name": "a"}).is(200)
	f.patch("/v1/servers/"+a, object{"name": "b"}).is(200)
	require.Equal(t, []string{"b", "a"}, f.get("/v1/servers").column("name"))
	f.patch("/v1/servers/"+a, object{"name": "a"}).refused(409, "name_taken")
	f.delete("/v1/servers/" + b).is(204)
	f.patch("/v1/servers/"+a, object{"name": "a"}).is(200)
	require.Equal(t, []string{a}, f.get("/v1/servers?name=a").column("id"))
	require.Empty(t, f.get("/v1/servers?name=b").column("id"))
}

func TestServersAreListedInPagesByLabel(t *testing.T) {
	f := start(t)
	for i := range 7 {
		f.post("/v1/servers", web(fmt.Sprint("s", i)).with(object{"labels": object{"env": "prod", "half": fmt.Sprint(i % 2)}})).is(201)
	}
	require.Equal(t, []string{"s0", "s1", "s2", "s3", "s4", "s5", "s6"}, f.pages("/v1/servers?limit=3", "name"))
	require.Equal(t, []string{"s1", "s3", "s5"}, f.pages("/v1/servers?limit=2&label=half%3D1&label=env%3Dprod", "name"))
	require.Empty(t, f.get("/v1/servers?label=env%3Dtest").column("name"))

	for _, name := range []string{"", "+", "s0%0A", strings.Repeat("0", 20)} {
		require.Contains(t, f.get("/v1/servers?name="+name).refused(422, "invalid_request"), "name", "%q", name)
	}
	bad := f.get("/v1/servers?limit=501&label=nokey&cursor=%21&colour=x&name=a&name=b").refused(422, "invalid_request")
	for _, name := range []string{"limit", "label", "cursor", "colour", "name"} {
		require.Contains(t, bad, name)
	}
}
