package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestLoginStoresATokenThatOnlyItsOwnerCanRead(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, nil)
	s.input = apitest.Token + "\n"
	out := s.run("login", "--url", g.URL+"/").exits(0).out
	require.Contains(t, out, "Logged in to "+g.URL+" as ci (administrator)")

	path := filepath.Join(s.dir, "slipway", "config.json")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	s.input = ""
	s.run("servers", "list").exits(0)

	s.env = append(s.env, "SLIPWAY_TOKEN=slw_wrong")
	s.run("servers", "list").exits(4) // the environment wins over what is stored
	s.run("servers", "list", "--token-file", s.file("token", apitest.Token+"\n")).exits(0)
}

func TestLoginWithAFileAndJSON(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, nil)
	type login struct {
		URL string
		client.Identity
	}
	got := document[login](s.run("login", "--url", g.URL, "--token-file", s.file("token", apitest.Token), "-o", "json").exits(0))
	require.Equal(t, login{g.URL, client.Identity{
		Kind: "token", ID: "d3v5k1jq0s9c73000001", Name: "ci", Grants: []client.Grant{{Role: "administrator"}},
	}}, got)
}

func TestALoginThatFailsStoresNothing(t *testing.T) {
	g := apitest.New(t)
	for name, c := range map[string]struct {
		input, url string
		status     int
	}{
		"a wrong token":  {"slw_wrong", g.URL, 4},
		"no token":       {"", g.URL, 2},
		"a bad token":    {"two words", g.URL, 2},
		"a bad URL":      {apitest.Token, "127.0.0.1:80", 2},
		"no server":      {apitest.Token, "http://127.0.0.1:1", 3},
		"no URL":         {apitest.Token, "", 2},
		"URL with login": {apitest.Token, "http://me:secret@127.0.0.1", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, nil)
			s.input = c.input
			r := s.run("login", "--url", c.url).exits(c.status)
			require.NotContains(t, r.err, "secret")
			require.NotContains(t, r.err, "slw_")
			require.NoFileExists(t, filepath.Join(s.dir, "slipway", "config.json"))
		})
	}
}

func TestAStoredTokenGoesToItsOwnServerOnly(t *testing.T) {
	g, other := apitest.New(t), apitest.New(t)
	s := newShell(t, nil)
	s.input = apitest.Token
	s.run("login", "--url", g.URL).exits(0)
	s.run("servers", "list", "--url", g.URL+"/").exits(0)
	r := s.run("servers", "list", "--url", other.URL).exits(4)
	require.Contains(t, r.err, "not logged in at "+other.URL)
	require.Empty(t, other.Seen("GET", "/v1/servers"))
}

func TestWithoutALoginItSaysHow(t *testing.T) {
	r := newShell(t, nil).run("status").exits(4)
	require.Equal(t, "slipway: not logged in\n'slipway login --url URL' logs in.\n", r.err)
}
