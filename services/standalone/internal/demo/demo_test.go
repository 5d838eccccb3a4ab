package demo_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// patience bounds every wait for something that is certain to come.
const patience = 3 * time.Minute

// binaries is the directory of the programs under test.
var binaries string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "slipway-demo-bin-")
	if err == nil {
		defer os.RemoveAll(dir)
		binaries = dir
		err = errors.Join(
			build(dir, "../..", "./cmd/slipway-demo", "./cmd/slipway-standalone"),
			build(dir, "../../../cli", "./cmd/slipway"),
			// Whatever the demo leaves behind becomes a child of the test, which can count its children.
			unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0),
		)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare to run the demo:", err)
		return 1
	}
	return m.Run()
}

// build runs in the directory of a module, so that it works outside of the workspace too.
func build(into, module string, packages ...string) error {
	cmd := exec.CommandContext(context.Background(), "go", append([]string{"build", "-o", into + "/"}, packages...)...)
	cmd.Dir = module
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("go build %s: %w\n%s", strings.Join(packages, " "), err, out)
	}
	return nil
}

// run is the demo, as a process whose home and temporary directory are its own.
type run struct {
	*exec.Cmd
	lines     *bufio.Scanner
	said      strings.Builder // on standard output, as far as it was read
	complains bytes.Buffer    // on standard error
	dirs      []string
}

func start(t *testing.T, args ...string) *run {
	t.Helper()
	r := &run{Cmd: exec.CommandContext(t.Context(), filepath.Join(binaries, "slipway-demo"), args...)}
	for range 2 {
		// Not t.TempDir: it lets nobody else in, and as root the demo has commands run as nobody.
		dir, err := os.MkdirTemp("", "demo-test-") //nolint:usetesting // see above
		require.NoError(t, err)
		t.Cleanup(func() { os.RemoveAll(dir) })
		require.NoError(t, os.Chmod(dir, 0o711))
		r.dirs = append(r.dirs, dir)
	}
	// A user's own settings, which must not matter.
	r.Env = append(os.Environ(), "TMPDIR="+r.dirs[0], "HOME="+r.dirs[1], "SLIPWAY_URL=http://127.0.0.1:1", "SLIPWAY_DATA=/dev/null")
	r.Stderr = &r.complains
	out, err := r.StdoutPipe()
	require.NoError(t, err)
	r.lines = bufio.NewScanner(out)
	require.NoError(t, r.Start())
	stuck := time.AfterFunc(patience, func() { _ = r.Process.Kill() })
	t.Cleanup(func() { stuck.Stop() })
	return r
}

// until reads to the first line that begins so.
func (r *run) until(t *testing.T, beginning string) {
	t.Helper()
	for r.lines.Scan() {
		r.said.WriteString(r.lines.Text() + "\n")
		if strings.HasPrefix(r.lines.Text(), beginning) {
			return
		}
	}
	require.FailNow(t, "it never said "+beginning, "%s\n%s", r.said.String(), r.complains.String())
}

// requireEnd waits for the end and requires an exit status, and that nothing is left.
func (r *run) requireEnd(t *testing.T, status int) {
	t.Helper()
	for r.lines.Scan() {
		r.said.WriteString(r.lines.Text() + "\n")
	}
	var exit *exec.ExitError
	if err := r.Wait(); err != nil {
		require.ErrorAs(t, err, &exit)
	}
	require.Equal(t, status, r.ProcessState.ExitCode(), "%s\n%s", r.said.String(), r.complains.String())
	for _, dir := range r.dirs {
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, "files are left in %s", dir)
	}
	// What was killed at the very end may still be about to go.
	require.Eventually(t, noChildren, patience, 10*time.Millisecond, "processes are left")
}

// noChildren buries children that have died and tells whether there are no others.
func noChildren() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			return errors.Is(err, syscall.ECHILD)
		}
		if pid == 0 {
			return false
		}
	}
}

func TestDemoPlaysToItsEndAndLeavesNothing(t *testing.T) {
	demo := start(t)
	demo.requireEnd(t, 0)
	said := demo.said.String()
	for _, line := range []string{
		"$ slipway deploy site --package site-1.0.tar.gz --version 1.0 --all",
		"✓ site 2.0: 5 done",
		"permission_denied",
		"✗ site 3.0: 4 done, 1 failed",
		"$ slipway rollback --application site",
		"web-4  2.0   1.0     1.0, 2.0       -",
		"web-5  2.0   1.0     1.0, 2.0, 3.0  -",
		"2.0 runs on all of them, complete",
	} {
		require.Contains(t, said, line)
	}
	require.Empty(t, demo.complains.String())
}

func TestInterruptedDemoLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		at     string
		signal syscall.Signal
	}{
		"Ctrl-C in the middle of a deployment": {"Deployment ", syscall.SIGINT},
		"told to end at the beginning":         {"Slipway runs", syscall.SIGTERM},
	} {
		t.Run(name, func(t *testing.T) {
			demo := start(t)
			demo.until(t, c.at)
			require.NoError(t, demo.Process.Signal(c.signal))
			demo.requireEnd(t, 130)
			require.Contains(t, demo.complains.String(), "interrupted; everything is cleared away")
		})
	}
}

func TestDemoInWhichACommandFailsShowsTheLogAndLeavesNothing(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(binaries, "slipway-standalone"), filepath.Join(bin, "slipway-standalone")))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "slipway"), []byte("#!/bin/sh\nexit 3\n"), 0o700))
	demo := start(t, "--bin", bin)
	demo.requireEnd(t, 1)
	require.Contains(t, demo.complains.String(), "unexpected exit status 3 (not 0) of slipway login")
	require.Contains(t, demo.complains.String(), "The end of its log:\n  {")
}

func TestDemoWithoutProgramsSaysHowToMakeThem(t *testing.T) {
	demo := start(t, "--bin", t.TempDir())
	demo.requireEnd(t, 1)
	require.Contains(t, demo.complains.String(), "run make build")
}
