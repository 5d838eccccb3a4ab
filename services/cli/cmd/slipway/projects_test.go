package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestGroupsFromAddToRemove(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	s.run("groups", "add", "web-eu").exits(2)
	require.Regexp(t, `Name +web-eu\n(.*\n)*Hosts with +region=eu,role=web\n`,
		s.run("groups", "add", "web-eu", "--match", "role=web", "--match", "region=eu", "--label", "team=a", "--description", "in Europe").exits(0).out)
	require.JSONEq(t, `{"name":"web-eu","description":"in Europe","labels":{"team":"a"},"selector":{"role":"web","region":"eu"}}`,
		string(g.Seen(http.MethodPost, "/v1/groups")[0].Body))
	s.run("groups", "edit", "web-eu", "--match", "role=www", "--remove-label", "team").exits(0)
	require.JSONEq(t, `{"selector":{"role":"www"},"labels":{"team":null}}`, string(g.Seen(http.MethodPatch, "/v1/groups/web-eu")[0].Body))
	s.run("groups", "edit", "web-eu").exits(2)
	require.Contains(t, s.run("groups", "list").exits(0).out, "role=www")
	s.run("groups", "remove", "web-eu", "mistyped").exits(5)
	require.Equal(t, "Removed web-eu.\n", s.run("groups", "remove", "web-eu").exits(0).out)
	s.run("groups", "show", "web-eu").exits(5)
}

func TestProjectsAndWhatIsInThemFromAddToRemove(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	s.env = append(s.env, "TOKEN=hidden-1")
	s.run("stages", "list").exits(2)
	for _, kind := range []string{"projects", "applications", "stages", "templates"} {
		path, in := "/v1/projects", []string{}
		if kind != "projects" {
			path, in = "/v1/projects/shop/"+kind, []string{"--project", "shop"}
		}
		do := func(args ...string) result { return s.run(append(append([]string{kind}, args...), in...)...) }
		defaults := s.file("defaults.yaml", "keep: 3\nenvironment: {LEVEL: warn}\n")
		added := do("add", "shop", "--defaults", defaults, "--secret", "TOKEN", "--secret", "KEY="+s.file("key", "hidden-2\n")).exits(0)
		require.Regexp(t, `Secrets +KEY, TOKEN\n(.*\n)*Says +\{\n`, added.out)
		require.NotContains(t, added.out+added.err, "hidden")
		require.JSONEq(t, `{"name":"shop","defaults":{"keep":3,"environment":{"LEVEL":"warn"}},"secrets":{"TOKEN":"hidden-1","KEY":"hidden-2"}}`,
			string(g.Seen(http.MethodPost, path)[0].Body))
		do("edit", "shop", "--defaults", s.file("patch.yaml", "keep: null\n"), "--forget-secret", "TOKEN").exits(0)
		require.JSONEq(t, `{"defaults":{"keep":null},"secrets":{"TOKEN":null}}`, string(g.Seen(http.MethodPatch, path+"/shop")[0].Body))
		do("edit", "shop", "--forget-secret", "TOKEN", "--secret", "TOKEN").exits(2)
		do("add", "x", "--defaults", s.file("list.yaml", "- a\n")).exits(2)
		require.Equal(t, "shop", document[list[client.ProjectItem]](do("list", "-o", "json").exits(0)).Items[0].Name)
		require.Contains(t, do("list").exits(0).out, "SAYS")
		do("show", "shop").exits(0)
	}
	require.Equal(t, "Removed shop.\n", s.run("stages", "remove", "shop", "--project", "shop").exits(0).out)
}

func TestADeploymentMayLeaveWhatItSaysToItsProject(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	for _, c := range []struct {
		args []string
		body string
	}{
		{[]string{"--project", "shop", "--template", "nightly"}, `{"project":"shop","template":"nightly","dry_run":true}`},
		{[]string{"web", "--version", "1.0", "--project", "shop", "--stage", "production", "--group", "eu"},
			`{"project":"shop","stage":"production","group":"eu","application":"web","version":"1.0","dry_run":true}`},
	} {
		g.Before(func(w http.ResponseWriter, r *http.Request) bool { return false })
		s.run(append([]string{"deploy", "--dry-run"}, c.args...)...)
		sent := g.Seen(http.MethodPost, "/v1/deployments")
		require.JSONEq(t, c.body, string(sent[len(sent)-1].Body))
	}
	for _, args := range [][]string{
		{"web", "--version", "1.0"}, {"web", "--project", "shop"}, {"--version", "1.0", "--project", "shop"}, {"web", "--version", "1.0", "--stage", "production"},
		{"--project", "shop", "--template", "nightly", "--package", "x"}, {"web", "--version", "1.0", "--group", "a", "--all"},
	} {
		s.run(append([]string{"deploy"}, args...)...).exits(2)
	}
	require.Len(t, g.Seen(http.MethodPost, "/v1/deployments"), 2)
}
