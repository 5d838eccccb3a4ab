package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestHostsAreTakenOverFromAList(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	list := s.file("hosts.csv", "web-1\nweb-2\n")
	args := []string{"servers", "import", list, "--user", "deploy", "--password-file", s.file("pw", "hidden-1\n"), "--label", "from=list", "--first-contact"}
	out := s.run(append(args, "--dry-run")...).exits(0).out
	require.Regexp(t, `1 +web-1 +created`, out)
	require.Contains(t, out, "Nothing was changed. It would be: 2 created, 0 changed, 0 the same, 0 skipped, 0 failed.\n")
	require.JSONEq(t, `{"format":"csv","list":"web-1\nweb-2\n","dry_run":true,"defaults":{"user":"deploy","credential":{"password":"hidden-1"},"first_contact":true,"labels":{"from":"list"}}}`,
		string(g.Seen(http.MethodPost, "/v1/servers/import")[0].Body))
	require.Empty(t, document[struct{ Items []client.Server }](s.run("servers", "list", "-o", "json").exits(0)).Items)
	require.NotContains(t, s.run(args...).exits(0).out, "hidden")
	require.Equal(t, client.Credential{Password: "hidden-1"}, g.Credential("web-2"))
	require.Equal(t, "0 created, 0 changed, 2 the same, 0 skipped, 0 failed.\n", s.run(args...).exits(0).out)

	s.run("servers", "import", s.file("site.yaml", "x\n")).exits(2)
	s.input = "a\n"
	s.run("servers", "import", "-", "--format", "ansible_ini").exits(0)
	sent := g.Seen(http.MethodPost, "/v1/servers/import")
	require.JSONEq(t, `{"format":"ansible_ini","list":"a\n","defaults":{}}`, string(sent[len(sent)-1].Body))

	s.input = ""
	s.run("servers", "import", s.file("pre_server_detail.sql", "a\n"), "--dry-run").exits(0)
	sent = g.Seen(http.MethodPost, "/v1/servers/import")
	require.JSONEq(t, `{"format":"rex","list":"a\n","dry_run":true,"defaults":{}}`, string(sent[len(sent)-1].Body))
	s.run("servers", "import", s.file("servers.sql", "x\n")).exits(2)
	require.Contains(t, s.run("servers", "import", s.file("servers.csv", "status\nweb-1\n"), "--format", "platform").exits(0).out, "Of the list: not taken over: status.\n0 created")
}

func TestApplicationsAreTakenOverFromAList(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	args := []string{"applications", "import", s.file("pre_server_detail.sql", "flow1\nserver1\n"), "--project", "shop"}
	out := s.run(append(args, "--dry-run")...).exits(0).out
	require.Regexp(t, `LINE +NAME +APPLICATION +WHAT\n1 +flow1 +created`, out)
	require.Contains(t, out, "Nothing was changed. It would be: 2 created, 0 changed, 0 the same, 0 skipped, 0 failed.\n")
	sent := g.Seen(http.MethodPost, "/v1/projects/shop/applications/import")
	require.JSONEq(t, `{"format":"rex","list":"flow1\nserver1\n","dry_run":true}`, string(sent[0].Body))
	require.Contains(t, s.run(args...).exits(0).out, "2 created")
	require.Equal(t, "0 created, 0 changed, 2 the same, 0 skipped, 0 failed.\n", s.run(args...).exits(0).out)
	s.run(args[:3]...).exits(2)
}
