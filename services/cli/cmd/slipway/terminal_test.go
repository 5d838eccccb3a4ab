package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/slipway-deploy/slipway/services/cli/internal/apitest"
	"github.com/slipway-deploy/slipway/services/cli/internal/vt"
)

// session is a run of the program on a terminal.
type session struct {
	t      *testing.T
	cmd    *exec.Cmd
	keys   *os.File // where a person types
	tty    *os.File // the terminal, as the program has it
	screen *vt.Screen
	done   chan struct{} // closed when all output was read

	mu  sync.Mutex
	raw bytes.Buffer
}

// onTerminal starts the program on a terminal of this size.
func (s *shell) onTerminal(width, height int, args ...string) *session {
	s.t.Helper()
	keys, tty, err := pty.Open()
	require.NoError(s.t, err)
	require.NoError(s.t, pty.Setsize(keys, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}))
	run := &session{t: s.t, cmd: s.command(args...), keys: keys, tty: tty, screen: vt.New(width, height), done: make(chan struct{})}
	run.cmd.Stdin, run.cmd.Stdout, run.cmd.Stderr = tty, tty, tty
	run.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(s.t, run.cmd.Start())
	go func() {
		defer close(run.done)
		run.screen.Feed(run)
	}()
	s.t.Cleanup(func() { _, _, _ = tty.Close(), keys.Close(), <-run.done })
	return run
}

// Read is what the program writes; all of it is kept.
func (r *session) Read(b []byte) (int, error) {
	n, err := r.keys.Read(b)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.Write(b[:n])
	return n, err
}

// wrote is all that the program wrote, byte by byte.
func (r *session) wrote() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.raw.String()
}

// types is a person at the keys.
func (r *session) types(keys string) {
	r.t.Helper()
	_, err := r.keys.WriteString(keys)
	require.NoError(r.t, err)
}

// shows waits until the screen shows this.
func (r *session) shows(what string) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return strings.Contains(strings.Join(r.screen.Lines(), "\n"), what) },
		patience, 10*time.Millisecond, "%s", what)
}

// exits waits for the end, holds the status against what it must be, and returns what can be read then.
func (r *session) exits(status int) []string {
	r.t.Helper()
	_ = r.cmd.Wait()
	require.NoError(r.t, r.tty.Close()) // the last one who has it open: reading ends
	<-r.done
	require.Equal(r.t, status, r.cmd.ProcessState.ExitCode(), "%s", strings.Join(r.screen.Lines(), "\n"))
	require.Empty(r.t, r.screen.Unknown())
	require.NotContains(r.t, r.wrote(), apitest.Token)
	require.NotContains(r.t, r.wrote(), "DATA RACE")
	return r.screen.Lines()
}

// matches holds each line against an expression.
func matches(t *testing.T, lines, expressions []string) {
	t.Helper()
	require.Len(t, lines, len(expressions), "%s", strings.Join(lines, "\n"))
	for i, e := range expressions {
		require.Regexp(t, "^"+e+"$", lines[i])
	}
}

func TestTheLiveDisplayIsRedrawnInPlace(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1", "bad", "東京")
	g.Fail("bad", wrongKey)
	g.Slow()
	s := newShell(t, g)
	s.file("shop.jar", "content")
	r := s.onTerminal(100, 24, "deploy", "shop", "--package", "shop.jar", "--version", "1", "--all")
	matches(t, r.exits(1), []string{
		`Uploaded shop.jar, 7 B\.`,
		`Deployment \w{20}: shop 1 on 3 hosts\.`,
		`shop 1 on 3 hosts  \S+`,
		`✓ web-1     ████████████ +\S+  1`,
		`✗ bad       ░░░░░░░░░░░░ +\S+  connect: ` + wrongKeyReason,
		`✓ 東京      ████████████ +\S+  1`,
		`2 done, 1 failed`,
		`✗ shop 1: 2 done, 1 failed in \S+`,
		``,
		`FAILED HOST  STEP     CODE              REASON`,
		`bad          connect  host_key_changed  ` + wrongKeyReason,
	})
	require.Contains(t, r.wrote(), "MB of 20.0 MB")
	require.Contains(t, r.wrote(), "\x1b[31m✗")
}

func TestMoreHostsThanLinesOnANarrowTerminal(t *testing.T) {
	g := apitest.New(t)
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("a-host-with-a-long-name-%02d", i))
	}
	g.AddServers(names...)
	g.Fail(names[17], wrongKey)
	s := newShell(t, g)
	s.file("shop.jar", "content")
	lines := s.onTerminal(40, 10, "deploy", "shop", "--package", "shop.jar", "--version", "1", "--all").exits(1)
	block := lines[3 : 3+9] // the line before is broken in two
	matches(t, block, []string{
		`shop 1 on 30 hosts  \S+`,
		`✗ a-host-with-…  +\S+  connect: the …`,
		`✓ a-host-with-…  +\S+  1`, `✓ .*`, `✓ .*`, `✓ .*`, `✓ .*`,
		`… and 24 done`,
		`29 done, 1 failed`,
	})
	require.Equal(t, 1, strings.Count(strings.Join(lines, "\n"), "shop 1 on 30 hosts  "))
}

func TestCtrlCLeavesTheDisplayAndTheDeployment(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	s.file("shop.jar", "content")
	s.run("deploy", "shop", "--package", "shop.jar", "--version", "1", "--all").exits(0)
	g.Hold()
	r := s.onTerminal(80, 24, "deploy", "shop", "--version", "1", "--all")
	r.shows("1 waiting")
	r.types("\x03")
	matches(t, r.exits(130), []string{
		`Deployment \w{20}: shop 1 on 1 host\.`,
		`shop 1 on 1 host  \S+`,
		`· web-1     ░░░░░░░░░░░░          waits`,
		`1 waiting`,
		`The deployment goes on\. 'slipway watch \w{20}' comes back to it\.`,
		`slipway: interrupted`,
	})
}

func TestAnOutageIsShownAndForgotten(t *testing.T) {
	g := apitest.New(t)
	g.AddServers("web-1")
	s := newShell(t, g)
	s.file("shop.jar", "content")
	var looks atomic.Int32
	g.Before(func(w http.ResponseWriter, r *http.Request) bool {
		down := strings.HasSuffix(r.URL.Path, "/targets") && looks.Add(1) == 2
		if down {
			apitest.Unavailable(w, r)
		}
		return down
	})
	r := s.onTerminal(100, 24, "deploy", "shop", "--package", "shop.jar", "--version", "1", "--all")
	lines := r.exits(0)
	require.Contains(t, r.wrote(), "the message broker does not answer; trying again")
	require.NotContains(t, strings.Join(lines, "\n"), "trying again")
}

func TestColoursAndRedrawingCanBeTurnedOff(t *testing.T) {
	colour := regexp.MustCompile("\x1b\\[[0-9;]*m")
	for name, c := range map[string]struct {
		env, flag string
		redrawn   bool
	}{
		"by a flag":         {"", "--no-color", true},
		"by NO_COLOR":       {"NO_COLOR=1", "--no-color=false", true},
		"by a dumb machine": {"TERM=dumb", "--no-color=false", false},
	} {
		t.Run(name, func(t *testing.T) {
			g := apitest.New(t)
			g.AddServers("web-1")
			s := newShell(t, g)
			s.env = append(s.env, c.env)
			s.file("shop.jar", "content")
			r := s.onTerminal(80, 24, "deploy", "shop", "--package", "shop.jar", "--version", "1", "--all", c.flag)
			r.exits(0)
			require.False(t, colour.MatchString(r.wrote()))
			require.Equal(t, c.redrawn, strings.Contains(r.wrote(), "\x1b["))
		})
	}
}

func TestTheTokenIsAskedForAndNotShown(t *testing.T) {
	g := apitest.New(t)
	s := newShell(t, nil)
	r := s.onTerminal(80, 24, "login", "--url", g.URL)
	r.shows("Token:")
	r.awaitEcho(false)
	r.types(apitest.Token + "\n")
	lines := r.exits(0) // it holds that the token was not written
	require.Equal(t, "Token:", lines[0])
	require.Contains(t, lines[1], "Logged in to "+g.URL)
}

func TestCtrlCAtThePromptLeavesTheTerminalAsItWas(t *testing.T) {
	s := newShell(t, nil)
	r := s.onTerminal(80, 24, "login", "--url", "http://127.0.0.1:1")
	r.shows("Token:")
	r.awaitEcho(false)
	r.types("\x03")
	_ = r.cmd.Wait()
	require.True(t, r.echoes())
	r.exits(130)
	require.NoFileExists(t, s.dir+"/slipway/config.json")
}

// echoes says whether the terminal shows what is typed.
func (r *session) echoes() bool {
	r.t.Helper()
	state, err := unix.IoctlGetTermios(int(r.tty.Fd()), unix.TCGETS)
	require.NoError(r.t, err)
	return state.Lflag&unix.ECHO != 0
}

func (r *session) awaitEcho(want bool) {
	r.t.Helper()
	require.Eventually(r.t, func() bool { return r.echoes() == want }, patience, 10*time.Millisecond)
}
