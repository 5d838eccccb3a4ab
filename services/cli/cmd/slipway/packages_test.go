package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestAPackageThatStaysWhereItIsIsMadeKnown(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		args   []string
		source string
	}{
		"url": {[]string{"--url", "https://ci.example.com/shop.zip?x=y", "--sha256", sum, "--filename", "s.zip", "--bearer-file", "-"},
			`{"url":{"url":"https://ci.example.com/shop.zip?x=y","sha256":"` + sum + `","filename":"s.zip","credential":{"token":"hidden"}}}`},
		"basic": {[]string{"--url", "http://a/b", "--sha256", sum, "--username", "ci", "--password-file", "-"},
			`{"url":{"url":"http://a/b","sha256":"` + sum + `","credential":{"username":"ci","password":"hidden"}}}`},
		"s3": {[]string{"--s3", "https://s3.example.com:9000/builds/shop/a%20b.tgz", "--sha256", sum, "--region", "eu-1", "--access-key", "AK", "--secret-key-file", "-"},
			`{"s3":{"endpoint":"https://s3.example.com:9000","bucket":"builds","key":"shop/a b.tgz","region":"eu-1","sha256":"` + sum +
				`","credential":{"access_key":"AK","secret_key":"hidden"}}}`},
		"git": {[]string{"--git", "ssh://git@a/b.git", "--ref", "v1", "--directory", "php", "--submodules", "--zone", "dmz", "--key-file", "-", "--host-key", hostKey},
			`{"git":{"url":"ssh://git@a/b.git","ref":"v1","directory":"php","submodules":true,"zone":"dmz","host_key":"` + hostKey +
				`","credential":{"private_key":"hidden\n"}}}`},
		"commit": {[]string{"--git", "https://a/b.git", "--commit", strings.Repeat("a", 40)}, `{"git":{"url":"https://a/b.git","commit":"` + strings.Repeat("a", 40) + `"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			g := apitest.New(t)
			s := newShell(t, g)
			s.input = "hidden\n"
			added := s.run(append([]string{"packages", "add", "shop", "--project", "web", "--version", "1", "-o", "json"}, c.args...)...).exits(0)
			require.NotContains(t, added.out+added.err, "hidden")
			require.NotNil(t, document[client.Package](added).Source)
			sent := g.Seen(http.MethodPost, "/v1/packages")
			require.Len(t, sent, 1)
			require.JSONEq(t, `{"project":"web","application":"shop","version":"1","source":`+c.source+`}`, string(sent[0].Body))
			require.Contains(t, s.run("packages", "list").exits(0).out, "package.tar.gz")
		})
	}
}

func TestASourceThatCannotBeMeant(t *testing.T) {
	s := newShell(t, apitest.New(t))
	sum := strings.Repeat("ab", 32)
	secret := s.file("secret", "hidden")
	for name, args := range map[string][]string{
		"no source":          {},
		"two":                {"--url", "http://a/b", "--git", "https://a/b", "--sha256", sum},
		"no digest":          {"--url", "http://a/b"},
		"bad digest":         {"--url", "http://a/b", "--sha256", "abc"},
		"no ref":             {"--git", "https://a/b"},
		"ref and commit":     {"--git", "https://a/b", "--ref", "main", "--commit", strings.Repeat("a", 40)},
		"digest of git":      {"--git", "https://a/b", "--ref", "main", "--sha256", sum},
		"no key":             {"--s3", "https://a/bucket", "--sha256", sum},
		"half a login":       {"--url", "http://a/b", "--sha256", sum, "--username", "ci"},
		"half a key":         {"--s3", "https://a/b/c", "--sha256", sum, "--access-key", "AK"},
		"key of another":     {"--url", "http://a/b", "--sha256", sum, "--key-file", secret},
		"two from the input": {"--git", "ssh://a/b", "--ref", "main", "--key-file", "-", "--passphrase-file", "-"},
	} {
		said := s.run(append([]string{"packages", "add", "shop", "--version", "1"}, args...)...).exits(2)
		require.NotContains(t, said.out+said.err, "hidden", name)
	}
}
