package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestTokensAreMadeShownAndRevoked(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	require.Equal(t, "ID  NAME  MAY  EXPIRES  LAST SEEN\n", s.run("tokens", "list").exits(0).out)
	out := s.run("tokens", "create", "ci", "--grant", "deployer:shop", "--grant", "viewer", "--expires-in", "720h").exits(0).out
	require.Regexp(t, `May +deployer:shop, viewer\n(.*\n)*Token +slw_\S{43} \(shown this once\)\n`, out)
	sent := g.Seen(http.MethodPost, "/v1/tokens")
	require.JSONEq(t, `{"name":"ci","grants":[{"role":"deployer","project":"shop"},{"role":"viewer"}],"expires_in":"720h"}`, string(sent[0].Body))

	tokens := document[struct{ Items []client.Token }](s.run("tokens", "list", "-o", "json").exits(0)).Items
	require.Len(t, tokens, 1)
	require.Regexp(t, tokens[0].ID+` +ci +deployer:shop, viewer +\d{4}-\S+ \S+ +never\n`, s.run("tokens", "list").exits(0).out)
	require.NotContains(t, s.run("tokens", "show", tokens[0].ID).exits(0).out, "slw_")
	require.Equal(t, "Revoked "+tokens[0].ID+".\n", s.run("tokens", "revoke", tokens[0].ID).exits(0).out)
	s.run("tokens", "revoke", tokens[0].ID).exits(5)
	s.run("tokens", "create", "ci").exits(2)
}

func TestOneMayAskWhoOneIs(t *testing.T) {
	s := newShell(t, apitest.New(t))
	require.Regexp(t, `Name +ci\n(.*\n)*May +administrator\nUntil +for ever\n`, s.run("whoami").exits(0).out)
	who := document[client.Identity](s.run("whoami", "-o", "json").exits(0))
	require.Equal(t, []client.Grant{{Role: "administrator"}}, who.Grants)
}

func TestAPermissionThatIsMissingIsNamed(t *testing.T) {
	g := apitest.New(t)
	g.Before(func(w http.ResponseWriter, r *http.Request) bool {
		apitest.Forbid(w, r, "tokens.read")
		return true
	})
	require.Contains(t, newShell(t, g).run("tokens", "list").exits(4).err, "tokens.read")
}
