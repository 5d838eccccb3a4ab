package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func TestWhatWasSaidIsShownWithItsHosts(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	g.Fail("web-2", apitest.Fault{Step: "switch", Code: "command_failed", Reason: "no such pool"})
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	s.run("deploy", "shop", "--package", file, "--version", "1.0", "--to", "web-1,web-2").exits(1)
	id := document[list[client.Deployment]](s.run("status", "-o", "json").exits(0)).Items[0].ID

	out := s.run("output", id, "--on", "web-2", "--step", "switch").exits(0).out
	require.Equal(t, "web-2  switch  · hook \"switch\"\nweb-2  switch  \\x1b[2Jswitch    on web-2\n"+
		"web-2  switch  no such pool\nweb-2  switch  · command_failed\n", out)
	require.Equal(t, "web-2  switch  no such pool\n", s.run("output", id, "--stream", "stderr").exits(0).out)
	require.Equal(t, "web-2  switch  · command_failed\n", s.run("output", id, "--level", "error").exits(0).out)
	all := document[list[client.OutputLine]](s.run("output", id, "-o", "json").exits(0)).Items
	require.Len(t, all, strings.Count(s.run("output", id).exits(0).out, "\n"))
	require.Empty(t, document[list[client.OutputLine]](s.run("output", id, "--step", "retire", "-o", "json").exits(0)).Items)
	require.Contains(t, s.run("output", "d3v5k1jq0s9c73999999").exits(5).err, "no such deployment")
	s.run("output").exits(2)
}

func TestWhatIsSaidIsFollowedToTheEnd(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	g.Slow()
	for _, failing := range []bool{false, true} {
		status := 0
		if failing {
			g.Fail("web-2", apitest.Fault{Step: "clean", Code: "command_failed", Reason: "no"})
			status = 1
		}
		id := strings.TrimSpace(s.run("deploy", "shop", "--package", file, "--version", "1.0", "--to", "web-1,web-2", "--detach").exits(0).out)
		followed := s.run("output", id, "--follow").exits(status).out
		require.Equal(t, s.run("output", id).exits(0).out, followed, "each line once, to the last")
		require.Contains(t, followed, "web-2  clean  ")
		var lines []client.OutputLine
		for _, text := range strings.Split(strings.TrimSpace(s.run("output", id, "-f", "-o", "json").exits(status).out), "\n") {
			var l client.OutputLine
			require.NoError(t, json.Unmarshal([]byte(text), &l))
			lines = append(lines, l)
		}
		require.Len(t, lines, strings.Count(followed, "\n"))
	}
}

func TestAFailureOfTheUsersOwnSaysWhereToLook(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	g.Fail("web-1", apitest.Fault{Step: "stage", Code: "disk_full", Reason: "no space"})
	require.NotContains(t, s.run("deploy", "shop", "--package", file, "--version", "1.0", "--to", "web-1").exits(1).out, "slipway output")
}

func TestTheLastLinesAreShownAndFollowed(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	g.Slow()
	id := strings.TrimSpace(s.run("deploy", "shop", "--package", file, "--version", "1.0", "--to", "web-1", "--detach").exits(0).out)
	s.run("output", id, "--follow").exits(0)
	all := strings.SplitAfter(s.run("output", id).exits(0).out, "\n")
	all = all[:len(all)-1]
	require.Greater(t, len(all), 3)
	require.Equal(t, strings.Join(all[len(all)-3:], ""), s.run("output", id, "--tail", "3").exits(0).out)
	require.Equal(t, strings.Join(all[len(all)-3:], ""), s.run("output", id, "--tail", "3", "--follow").exits(0).out, "once, though it asks again")
	require.Empty(t, s.run("output", id, "--to", "1h").exits(0).out)
	require.Equal(t, strings.Join(all, ""), s.run("output", id, "--from", "1h").exits(0).out)
	for _, bad := range []string{"--tail=0", "--tail=5001", "--from=soon", "--to=soon"} {
		name, _, _ := strings.Cut(bad, "=")
		require.Contains(t, s.run("output", id, bad).exits(2).err, name)
	}
}

func TestOutputIsSavedWholeOrNotAtAll(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "web-2")
	s := newShell(t, g)
	file := s.file("shop.jar", "content")
	id := strings.TrimSpace(s.run("deploy", "shop", "--package", file, "--version", "1.0", "--to", "web-1,web-2", "--detach").exits(0).out)
	s.run("output", id, "--follow").exits(0)
	all := strings.Count(s.run("output", id).exits(0).out, "\n")
	dir := t.TempDir()
	saved := filepath.Join(dir, "shop.log")
	read := func() string {
		raw, err := os.ReadFile(saved)
		require.NoError(t, err)
		return string(raw)
	}
	require.Empty(t, s.run("output", id, "--file", saved).exits(0).out)
	require.Equal(t, all, strings.Count(read(), "\n"))
	require.Contains(t, read(), "\tweb-1\tswitch\tstdout\t")
	s.run("output", id, "--file", saved, "-o", "json", "--on", "web-2", "--tail", "2").exits(0)
	require.Equal(t, 2, strings.Count(read(), `"name":"web-2"`), "the file is replaced")

	before := read()
	s.run("output", "d3v5k1jq0s9c73999999", "--file", saved).exits(5)
	s.run("output", id, "--file", saved, "--follow").exits(2)
	require.Equal(t, before, read())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "nothing is left beside it")
}
