package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

type list[T any] struct{ Items []T }

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG4rT3vTt99Ox5kndS4HmgTrKBT8SKzhK4rhGkEVGlCI"

func TestServersFromAddToRemove(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	key, passphrase, password := s.file("key", "-----BEGIN KEY-----\nhidden-1\n"), s.file("pp", "hidden-2\n"), s.file("pw", " hidden-3 \r\n")
	added := s.run("servers", "add", "--name", `büro "1"`, "--address", "192.0.2.7", "--port", "2222", "--user", "deploy",
		"--key-file", key, "--passphrase-file", passphrase, "--password-file", password,
		"--host-key", hostKey, "--label", "role=web", "--label", "note=a=b,c", "-o", "json").exits(0)
	require.NotContains(t, added.out+added.err, "hidden")
	require.Equal(t, client.Credential{
		PrivateKey: "-----BEGIN KEY-----\nhidden-1\n", Passphrase: "hidden-2", Password: " hidden-3 ",
	}, g.Credential(`büro "1"`))
	server := document[client.Server](added)
	require.Equal(t, map[string]string{"role": "web", "note": "a=b,c"}, server.Labels)
	require.Equal(t, hostKey, server.HostKey)
	require.Equal(t, 2222, server.Port)

	s.input = "from-input"
	s.run("servers", "add", "--name", "db", "--address", "db.example.com", "--user", "deploy", "--password-file", "-", "--first-contact").exits(0)
	require.Equal(t, client.Credential{Password: "from-input"}, g.Credential("db"))

	behind := document[client.Server](s.run("servers", "add", "--name", "inner", "--address", "10.0.0.7", "--user", "deploy",
		"--jump-host", "db", "--first-contact", "-o", "json").exits(0))
	require.NotEmpty(t, behind.JumpHost)
	require.Regexp(t, `Jump host +db\n`, s.run("servers", "show", "inner").exits(0).out)
	s.run("servers", "remove", "inner").exits(0)

	require.Len(t, document[list[client.Server]](s.run("servers", "list", "-o", "json").exits(0)).Items, 2)
	labelled := document[list[client.Server]](s.run("servers", "list", "--label", "role=web", "--label", "note=a=b,c", "-o", "json").exits(0))
	require.Len(t, labelled.Items, 1)
	require.Contains(t, s.run("servers", "list").exits(0).out, `büro "1"`)
	require.Contains(t, s.run("servers", "show", `büro "1"`).exits(0).out, "192.0.2.7:2222")
	require.Contains(t, s.run("servers", "show", server.ID).exits(0).out, `büro "1"`)

	s.run("servers", "remove", "db", "mistyped").exits(5)
	s.run("servers", "show", "db").exits(0) // a mistyped name removes nothing
	require.Equal(t, "Removed db.\n", s.run("servers", "remove", "db").exits(0).out)
	s.run("servers", "show", "db").exits(5)
}

func TestServersEditSendsWhatIsGivenAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		body string
	}{
		"address":      {[]string{"--address", "192.0.2.9"}, `{"address":"192.0.2.9"}`},
		"default port": {[]string{"--port", "22"}, `{"port":22}`},
		"labels":       {[]string{"--label", "a=1", "--remove-label", "b"}, `{"labels":{"a":"1","b":null}}`},
		"credential":   {[]string{"--password-file", "-"}, `{"credential":{"password":"typed"}}`},
		"agent":        {[]string{"--agent"}, `{"credential":null}`},
		"host key":     {[]string{"--forget-host-key", "--first-contact"}, `{"host_key":null,"first_contact":true}`},
		"no trust":     {[]string{"--first-contact=false"}, `{"first_contact":false}`},
		"jump host":    {[]string{"--jump-host", "edge"}, `{"jump_host":"edge"}`},
		"an old host":  {[]string{"--legacy-algorithms", "aes128-cbc,ssh-rsa"}, `{"legacy_algorithms":["aes128-cbc","ssh-rsa"]}`},
		"a new one":    {[]string{"--no-legacy-algorithms"}, `{"legacy_algorithms":null}`},
		"no jump host": {[]string{"--no-jump-host"}, `{"jump_host":null}`},
		"new name":     {[]string{"--name", "web 2", "--user", "root"}, `{"name":"web 2","user":"root"}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := apitest.New(t)
			id := g.AddServers("web-1")[0]
			s := newShell(t, g)
			s.input = "typed\n"
			s.run(append([]string{"servers", "edit", "web-1"}, c.args...)...).exits(0)
			sent := g.Seen("PATCH", "/v1/servers/"+id)
			require.Len(t, sent, 1)
			require.JSONEq(t, c.body, string(sent[0].Body))
		})
	}
}

func TestCertificatesAndAuthoritiesComeFromFiles(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	key, cert, keys := s.file("key", "-----BEGIN KEY-----\n"), s.file("cert", "ssh-ed25519-cert-v01@openssh.com AAAA\n"), s.file("ca", hostKey+"\n")
	added := document[client.Server](s.run("servers", "add", "--name", "web", "--address", "192.0.2.7", "--user", "deploy",
		"--key-file", key, "--certificate-file", cert, "--host-ca-file", keys, "--revoked-keys-file", keys, "-o", "json").exits(0))
	require.Equal(t, "certificate", added.CredentialKind)
	require.Equal(t, "ssh-ed25519-cert-v01@openssh.com AAAA\n", g.Credential("web").Certificate)
	require.Equal(t, hostKey, added.HostCA)
	require.Equal(t, hostKey, added.RevokedKeys)
	require.Contains(t, s.run("servers", "show", "web").exits(0).out, "by an authority")

	s.run("servers", "edit", "web", "--forget-host-ca", "--forget-revoked-keys").exits(0)
	sent := g.Seen("PATCH", "/v1/servers/"+added.ID)
	require.JSONEq(t, `{"host_ca":null,"revoked_keys":null}`, string(sent[0].Body))
	s.run("servers", "edit", "web", "--certificate-file", cert).exits(2)
}

func TestKeysComeFromAKnownHosts(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	s := newShell(t, g)
	file := s.file("known_hosts", "web-1,web-2 "+hostKey+"\n")
	told := s.run("servers", "import-keys", file, "--dry-run").exits(0).out
	require.Contains(t, told, "web-1")
	require.Contains(t, told, "Nothing was changed. It would be: 0 added, 0 replaced, 0 unchanged, 2 in conflict, 0 with too many.")
	s.input = "web-1 " + hostKey
	came := document[client.KnownHostsImported](s.run("servers", "import-keys", "-", "--replace", "-o", "json").exits(0))
	require.Equal(t, 2, came.Replaced)
	require.Contains(t, string(g.Seen("POST", "/v1/known-hosts")[1].Body), hostKey)
	s.run("servers", "import-keys", file+"x").exits(2)
}

func TestSecretsOfServersAreNeverSaid(t *testing.T) {
	s := newShell(t, apitest.New(t))
	base := []string{"servers", "add", "--name", "a", "--address", "b", "--user", "c"}
	blank := s.file("blank", "\r\n")
	large := s.file("large", "hidden"+strings.Repeat("x", 70_000))
	for name, args := range map[string][]string{
		"too large":       {"--password-file", large},
		"not there":       {"--password-file", s.dir + "/nothing"},
		"a directory":     {"--key-file", s.dir},
		"a blank one":     {"--password-file", blank},
		"no key":          {"--passphrase-file", large},
		"two from input":  {"--key-file", "-", "--password-file", "-"},
		"one is no label": {"--label", "novalue"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.run(append(base, args...)...).exits(2)
			require.NotContains(t, r.out+r.err, "hidden")
		})
	}
}
