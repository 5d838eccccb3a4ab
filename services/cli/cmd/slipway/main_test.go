package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
)

// patience is how long a test waits for what must happen.
const patience = time.Minute

// binary is the program under test: all tests here run it as a process of its own.
var binary string

// atOnce is how many tests run at a time, whatever the machine: they wait for looks of programs more than they compute.
const atOnce = "6"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", atOnce); err != nil {
		panic(err)
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "slipway-cli-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "slipway")
	args := append([]string{"build", "-ldflags", "-X main.version=v1.2.3", "-o", binary}, buildFlags...)
	if out, err := exec.CommandContext(context.Background(), "go", append(args, ".")...).CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", out, err)
		return 1
	}
	return m.Run()
}

// shell runs the program as a user with settings of their own.
type shell struct {
	t     *testing.T
	env   []string
	dir   string // XDG_CONFIG_HOME, and where packageFile writes
	input string // what standard input holds
}

// newShell returns a shell whose user is logged in to the gateway by the environment; to none if it is nil. The test goes
// on beside others: what it waits for is, most of the time, the next look that the program takes.
func newShell(t *testing.T, g *apitest.Gateway) *shell {
	t.Helper()
	t.Parallel()
	s := &shell{t: t, dir: t.TempDir()}
	s.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "XDG_CONFIG_HOME=" + s.dir, "TZ=UTC", "TERM=xterm",
		"GORACE=atexit_sleep_ms=0"} // else each run of a program with -race takes a second more
	if g != nil {
		s.env = append(s.env, "SLIPWAY_URL="+g.URL, "SLIPWAY_TOKEN="+apitest.Token)
	}
	return s
}

func (s *shell) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	s.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	return cmd
}

// result is what one run said.
type result struct {
	t        *testing.T
	status   int
	out, err string
}

// run runs the program without a terminal. Whatever it does, it never says the token.
func (s *shell) run(args ...string) result {
	s.t.Helper()
	var out, err bytes.Buffer
	cmd := s.command(args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(s.input), &out, &err
	return s.finish(cmd.Run(), &out, &err)
}

func (s *shell) finish(ended error, out, err *bytes.Buffer) result {
	s.t.Helper()
	r := result{t: s.t, out: out.String(), err: err.String()}
	if ended != nil {
		var exit *exec.ExitError
		require.ErrorAs(s.t, ended, &exit)
		r.status = exit.ExitCode()
	}
	require.NotContains(s.t, r.out+r.err, apitest.Token)
	require.NotContains(s.t, r.err, "DATA RACE")
	return r
}

// exits holds the status against what it must be, and returns the result.
func (r result) exits(status int) result {
	r.t.Helper()
	require.Equal(r.t, status, r.status, "out: %s\nerr: %s", r.out, r.err)
	return r
}

// document reads the one JSON document of the output.
func document[T any](r result) T {
	r.t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(r.out))
	d.DisallowUnknownFields()
	require.NoError(r.t, d.Decode(&v), r.out)
	require.False(r.t, d.More(), "more than one document")
	return v
}

// file writes a file into the shell's directory, and returns its path.
func (s *shell) file(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
