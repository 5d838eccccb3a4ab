package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestAWrongCommandLineExits2(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	empty := s.file("empty.jar", "")
	sum := strings.Repeat("ab", 32)
	for _, line := range [][]string{
		{"nonsense"},
		{"servers", "nonsense"},
		{"servers", "list", "extra"},
		{"servers", "show"},
		{"servers", "add", "--name", "x"},
		{"servers", "edit", "web-1"},
		{"servers", "edit", "web-1", "--agent", "--key-file", file},
		{"servers", "edit", "web-1", "--label", "a=1", "--remove-label", "a"},
		{"servers", "list", "--label", "x"},
		{"status", "--nonsense"},
		{"audit", "--from", "yesterday"},
		{"audit", "--limit", "0"},
		{"audit", "verify", "--head", "12"},
		{"audit", "verify", "--file", "nothing.jsonl"},
		{"status", "--output", "xml"},
		{"status", "--timeout", "0s"},
		{"status", "--timeout", "soon"},
		{"status", "--limit", "0"},
		{"status", "d3v5k1jq0s9c73000001", "--limit", "3"},
		{"status", "--url", "127.0.0.1"},
		{"deploy"},
		{"deploy", "shop", "--version", "1"},
		{"deploy", "shop", "--to", "web-1"},
		{"deploy", "shop", "--version", "", "--to", "web-1"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--all"},
		{"deploy", "shop", "--version", "1", "--label", "a=1", "--label", "a=2"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--keep", "0"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--wave-size", "1"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--strategy", "blue"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--strategy", "rolling"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--strategy", "canary"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--batch", "2"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--max-parallel", "0"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--on-overrun", "wait"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--not-requester"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--at", "noon"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--dry-run", "--package", file},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--dry-run", "--detach"},
		{"cancel"},
		{"approve", "d3v5k1jq0s9c73000001"},
		{"approve", "d3v5k1jq0s9c73000001", "--digest", "beef"},
		{"init", "shop", "--to", "web-1"},
		{"init", "shop", "--to", "web-1", "--supervisor", "not-there.conf"},
		{"init", "shop", "--supervisor", file},
		{"retry"},
		{"retry", "d3v5k1jq0s9c73000001", "--strategy", "rolling"},
		{"rollback", "d3v5k1jq0s9c73000001", "--strategy", "canary"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", ""},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", "not-there.jar"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", s.dir},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", empty},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", file, "--sha256", sum},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", "https://x/y.jar"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--package", "https://x/y.jar", "--sha256", "beef"},
		{"rollback"},
		{"rollback", "d3v5k1jq0s9c73000001", "--application", "shop"},
		{"watch"},
		{"releases"},
		{"releases", "shop", "--all", "--on", "web-1"},
		{"login", "extra"},
		{"servers", "remove", ""},
		{"servers", "remove", "web-1", ""},
		{"servers", "edit", "", "--port", "23"},
		{"servers", "add", "--name", "x", "--address", "y", "--user", "z", "--password-file", ""},
		{"deploy", "shop", "--version", "1", "--label", "a=1", "--to", ""},
		{"deploy", "shop", "--version", "1", "--label", "a=1", "--to", "web-1,"},
		{"deploy", "shop", "--version", "1", "--to", "web-1", "--path", ""},
		{"rollback", "d3v5k1jq0s9c73000001", "--on", ""},
		{"rollback", "d3v5k1jq0s9c73000001", "--to", ""},
		{"rollback", "d3v5k1jq0s9c73000001", "--application", ""},
		{"releases", "shop", "--on", ""},
		{"status", "--token-file", ""},
	} {
		t.Run(strings.Join(line, " "), func(t *testing.T) {
			r := s.run(line...).exits(2)
			require.Empty(t, r.out)
			require.NotEmpty(t, r.err)
		})
	}
	require.Empty(t, g.Seen(http.MethodPost, "/v1/deployments"))
}

func TestHelpAndVersion(t *testing.T) {
	s := newShell(t, nil)
	help := s.run("--help").exits(0).out
	for _, line := range []string{"0    all is well", "1    a deployment failed", "2    the command line", "3    the server could not", "4    the token", "5    refused", "130  interrupted"} {
		require.Contains(t, help, line)
	}
	require.Equal(t, help, s.run().exits(0).out)
	require.Contains(t, s.run("servers").exits(0).out, "remove")
	require.Regexp(t, `^slipway v1\.2\.3 \(go\S+, \w+/\w+\)\n$`, s.run("version").exits(0).out)
	require.Equal(t, "v1.2.3", document[map[string]string](s.run("version", "-o", "json").exits(0))["version"])
}

func TestWhatTheServerSaysBecomesTheExitStatus(t *testing.T) {
	for status, exit := range map[int]int{400: 5, 401: 4, 403: 4, 404: 5, 409: 5, 413: 5, 422: 5, 429: 3, 500: 3, 502: 3, 503: 3} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			g := apitest.New(t)
			g.Before(func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"title": "No", "detail": "this is why", "request_id": "abc", "hint": "do that", "errors": [{"field": "port", "message": "must be a number"}]}`))
				return true
			})
			r := newShell(t, g).run("status").exits(exit)
			require.True(t, strings.HasPrefix(r.err, "slipway: this is why\n  port: must be a number\n"), r.err)
			require.Equal(t, status != 401, strings.Contains(r.err, "\n  do that\n"))
			require.Equal(t, status >= 500, strings.Contains(r.err, "abc"))
			require.Equal(t, status == 401, strings.Contains(r.err, "slipway login"))
		})
	}
}

func TestANetworkThatIsGoneExits3(t *testing.T) {
	s := newShell(t, nil)
	s.env = append(s.env, "SLIPWAY_URL=http://127.0.0.1:1", "SLIPWAY_TOKEN=slw_x")
	require.Contains(t, s.run("status").exits(3).err, "cannot reach 127.0.0.1:1: ")
	r := s.run("watch", "d3v5k1jq0s9c73000001", "--timeout", "1s").exits(3) // after it has tried for a second
	require.Contains(t, r.err, "; trying again\n")
	require.Contains(t, r.err, "The deployment goes on.")
}

func TestWhatIsNotThereExits5(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	for _, line := range [][]string{
		{"status", "d3v5k1jq0s9c73999999"}, {"watch", "d3v5k1jq0s9c73999999"}, {"rollback", "d3v5k1jq0s9c73999999"},
		{"servers", "show", "nobody"}, {"servers", "remove", "d3v5k1jq0s9c73999999"}, {"deploy", "shop", "--version", "9", "--all"},
		{"servers", "add", "--name", "web-1", "--address", "x", "--user", "y"},
	} {
		r := s.run(line...).exits(5)
		require.NotContains(t, r.err, "goes on")
	}
	require.Contains(t, s.run("deploy", "shop", "--version", "9", "--to", "a,b").exits(5).err,
		"  version: there is no package 9 of shop\n  servers: there is no server a\n  servers: there is no server b\n")
	s.run("deploy", "shop", "--package", s.file("1.jar", "1"), "--version", "1", "--all").exits(0)
	require.Contains(t, s.run("deploy", "shop", "--package", s.file("1.jar", "2"), "--version", "1", "--all").exits(5).err,
		"needs a version of its own")
	s.run("servers", "remove", "web-1").exits(0)
	require.Contains(t, s.run("deploy", "shop", "--version", "1", "--all").exits(5).err, "there are no hosts yet")
}

func TestAnInterruptionLeavesTheDeploymentRunning(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	s.file("1.jar", "1")
	s.run("deploy", "shop", "--package", "1.jar", "--version", "1", "--all").exits(0)
	g.Hold()
	for _, args := range [][]string{
		{"deploy", "shop", "--version", "1", "--all"},
		{"deploy", "shop", "--version", "1", "--all", "-o", "json"},
	} {
		looked := make(chan string, 1)
		var once sync.Once
		g.Before(func(_ http.ResponseWriter, r *http.Request) bool {
			if id, targets := strings.CutSuffix(r.URL.Path, "/targets"); targets {
				once.Do(func() { looked <- strings.TrimPrefix(id, "/v1/deployments/") })
			}
			return false
		})
		cmd := s.command(args...)
		var out, err bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &err
		require.NoError(t, cmd.Start())
		id := <-looked
		require.NoError(t, cmd.Process.Signal(os.Interrupt))
		r := s.finish(cmd.Wait(), &out, &err).exits(130)
		require.Contains(t, r.err, "The deployment goes on. 'slipway watch "+id+"' comes back to it.\n")
		require.NotContains(t, r.out, "failed")
	}
	g.Release()
	left := document[list[client.Deployment]](s.run("status", "--state", "accepted", "-o", "json").exits(0)).Items
	require.Len(t, left, 2)
	require.Contains(t, s.run("watch", left[0].ID).exits(0).out, "✓ shop 1: 1 done")
}
