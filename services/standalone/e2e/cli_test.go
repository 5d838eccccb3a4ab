package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// shell is a user at a prompt: slipway, a home and some files.
type shell struct {
	t   *testing.T
	dir string
}

// result is what a command leaves behind.
type result struct {
	status         int
	stdout, stderr string
}

// run runs slipway with these arguments.
func (s *shell) run(args ...string) result { return s.runWith("", args...) }

// runWith gives the command something on standard input.
func (s *shell) runWith(stdin string, args ...string) result {
	s.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(s.t.Context(), filepath.Join(binaries, "slipway"), args...)
	cmd.Dir, cmd.Env = s.dir, []string{"HOME=" + s.dir}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(s.t, err)
	}
	r := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	s.t.Logf("$ slipway %s\n%s%s[%d]", strings.Join(args, " "), r.stdout, r.stderr, r.status)
	return r
}

// must runs slipway and fails the test unless it succeeds.
func (s *shell) must(args ...string) result {
	s.t.Helper()
	r := s.run(args...)
	require.Zero(s.t, r.status)
	return r
}

// write puts a file into the shell's directory.
func (s *shell) write(name string, content []byte) string {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.dir, name), content, 0o600))
	return name
}

// decode reads what a command prints with --output json.
func decode[T any](t *testing.T, r result) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &value), r.stdout)
	return value
}

func TestTheCommandLineDoesTheWholeJob(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	hosts := hosttest.Start(t, 3)
	sh := &shell{t, t.TempDir()}

	require.Equal(t, 4, sh.run("status").status, "not logged in")
	require.Equal(t, 4, sh.runWith("slw_wrong", "login", "--url", s.url).status)
	require.Zero(t, sh.runWith(s.token+"\n", "login", "--url", s.url).status)

	key := sh.write("id_ed25519", hosts[0].PrivateKeyPEM)
	for _, h := range hosts {
		sh.must("servers", "add", "--name", h.Name, "--address", h.Addr, "--port", strconv.Itoa(h.Port), "--user", h.User,
			"--key-file", key, "--first-contact", "--label", "role=web")
	}
	require.Equal(t, 5, sh.run("servers", "add", "--name", hosts[0].Name, "--address", "192.0.2.1", "--user", "x").status, "the name is taken")
	require.Len(t, decode[page[server]](t, sh.must("servers", "list", "-o", "json")).Items, 3)

	for _, version := range []string{"1.0", "2.0"} {
		file := sh.write("shop-"+version+".tar.gz", contentOf(version, 1<<10).tarGz(t))
		r := sh.must("deploy", app, "--package", file, "--version", version, "--label", "role=web")
		for _, h := range hosts {
			require.Contains(t, r.stdout, h.Name)
			requireRuns(t, h, version)
		}
	}
	sh.requireReleases(hosts, "2.0")
	sh.must("rollback", "--application", app)
	sh.requireReleases(hosts, "1.0")

	hosts[2].Stop()
	file := sh.write("shop-3.0.tar.gz", contentOf("3.0", 1<<10).tarGz(t))
	failed := sh.run("deploy", app, "--package", file, "--version", "3.0", "--all")
	require.Equal(t, 1, failed.status)
	require.Contains(t, failed.stdout, "unreachable")
	requireRuns(t, hosts[0], "3.0")
	require.Equal(t, 1, sh.run("releases", app).status, "one host cannot be read")

	recent := decode[page[deployment]](t, sh.must("status", "-o", "json"))
	require.Len(t, recent.Items, 4)
	require.Equal(t, 1, sh.run("status", recent.Items[0].ID).status, "it failed")
	sh.must("status", recent.Items[1].ID)
	sh.must("watch", recent.Items[1].ID)

	detached := sh.must("deploy", app, "--version", "1.0", "--to", hosts[0].Name, "--detach")
	sh.must("watch", strings.TrimSpace(detached.stdout))
	requireRuns(t, hosts[0], "1.0")
}

func (s *shell) requireReleases(hosts []*hosttest.Host, version string) {
	s.t.Helper()
	held := decode[page[serverReleases]](s.t, s.must("releases", app, "-o", "json")).Items
	require.Len(s.t, held, len(hosts))
	for i, h := range hosts {
		require.Equal(s.t, version, held[i].Current)
		requireRuns(s.t, h, version)
	}
}

func TestExitStatusesSayWhatWentWrong(t *testing.T) {
	t.Parallel()
	s := startStandalone(t)
	sh := &shell{t, t.TempDir()}
	require.Zero(t, sh.runWith(s.token, "login", "--url", s.url).status)
	for _, c := range []struct {
		status int
		args   []string
	}{
		{0, []string{"--help"}},
		{2, []string{"no-such-command"}},
		{2, []string{"deploy", app}},
		{2, []string{"deploy", app, "--version", "1", "--package", "/nowhere.tar.gz", "--to", "x"}},
		{5, []string{"deploy", app, "--version", "1", "--to", "nobody"}},
		{5, []string{"deploy", "Not A Name", "--version", "1", "--to", "nobody"}},
		{5, []string{"status", "d3v5k1jq0s9c73a1b2c0"}},
		{4, []string{"status", "--url", "http://127.0.0.1:1"}}, // a token goes to the server that it is for, and to no other
	} {
		r := sh.run(c.args...)
		require.Equal(t, c.status, r.status, "%q: %s", c.args, r.stderr)
		require.Equal(t, c.status == 0, r.stderr == "", "%q: %s", c.args, r.stderr)
	}
	require.Zero(t, s.process.terminate())
	require.Equal(t, 3, sh.run("status", "--timeout", "1s").status, "the server is gone")
}
