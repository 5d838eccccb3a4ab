package demohost_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/services/standalone/internal/demohost"
)

// deadline bounds waits for what takes milliseconds, on a busy machine.
const deadline = time.Minute

func newKey(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return signer
}

// testHost is a host and the key to it.
type testHost struct {
	*demohost.Host
	dir string
	key ssh.Signer
}

func start(t *testing.T, configure ...func(*demohost.Config)) testHost {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir()) // as pwd tells it
	require.NoError(t, err)
	key := newKey(t)
	cfg := demohost.Config{Dir: dir, Login: key.PublicKey()}
	for _, change := range configure {
		change(&cfg)
	}
	host, err := demohost.Start(cfg)
	require.NoError(t, err)
	t.Cleanup(host.Close)
	return testHost{Host: host, dir: dir, key: key}
}

func (h testHost) dial(methods ...ssh.AuthMethod) (*ssh.Client, error) {
	hostKey, _, _, _, err := ssh.ParseAuthorizedKey([]byte(h.HostKey()))
	if err != nil {
		return nil, err
	}
	return ssh.Dial("tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(h.Port())), &ssh.ClientConfig{
		User: "deploy", Auth: methods, HostKeyCallback: ssh.FixedHostKey(hostKey), Timeout: deadline,
	})
}

func (h testHost) login(t *testing.T) *ssh.Client {
	t.Helper()
	client, err := h.dial(ssh.PublicKeys(h.key))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func (h testHost) session(t *testing.T) *ssh.Session {
	t.Helper()
	session, err := h.login(t).NewSession()
	require.NoError(t, err)
	return session
}

// life tells of processes by a named pipe that they hold open.
type life struct{ over chan struct{} }

// watch makes a named pipe in the host's directory. A command that opens it, as "exec 3>alive", and all that it starts,
// are alive until over is closed.
func (h testHost) watch(t *testing.T) life {
	t.Helper()
	pipe := filepath.Join(h.dir, "alive")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	l := life{make(chan struct{})}
	go func() {
		defer close(l.over)
		f, err := os.Open(pipe) // waits for the first writer
		if err != nil {
			return
		}
		defer f.Close()
		_, _ = io.Copy(io.Discard, f) // until the last has closed it
	}()
	return l
}

func (l life) requireOver(t *testing.T) {
	t.Helper()
	select {
	case <-l.over:
	case <-time.After(deadline):
		require.FailNow(t, "a process of the command is still alive")
	}
}

// leaveRunning starts a command with a process in the background, and returns when both run.
func leaveRunning(t *testing.T, session *ssh.Session) {
	t.Helper()
	out, err := session.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, session.Start("exec 3>alive; sleep 1000 & echo up; sleep 1000; echo never"))
	up := make([]byte, 3)
	_, err = io.ReadFull(out, up)
	require.NoError(t, err)
}

func TestOutputErrorsAndStatusArriveApart(t *testing.T) {
	session := start(t).session(t)
	var out, errs bytes.Buffer
	session.Stdout, session.Stderr = &out, &errs
	err := session.Run(`echo "to $USER"; echo oh >&2; exit 7`)
	var exit *ssh.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 7, exit.ExitStatus())
	require.Equal(t, "to deploy\n", out.String())
	require.Equal(t, "oh\n", errs.String())
}

func TestCommandIsAtHomeInTheHostsDirectory(t *testing.T) {
	h := start(t)
	out, err := h.session(t).Output(`pwd; echo "$HOME"`)
	require.NoError(t, err)
	require.Equal(t, h.dir+"\n"+h.dir+"\n", string(out))
}

func TestCommandLeadsASessionOfItsOwn(t *testing.T) {
	session := start(t).session(t)
	stdin, err := session.StdinPipe()
	require.NoError(t, err)
	out, err := session.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, session.Start("echo $$; read -r _"))
	var pid int
	_, err = fmt.Fscan(out, &pid)
	require.NoError(t, err)
	group, err := syscall.Getpgid(pid)
	require.NoError(t, err)
	require.Equal(t, pid, group)
	require.NotEqual(t, syscall.Getpgrp(), group)
	require.NoError(t, stdin.Close())
	require.Error(t, session.Wait(), "read has met the end of the input")
}

func TestInputArrivesWholeAndEnds(t *testing.T) {
	input := make([]byte, 5<<20) // several windows
	_, err := rand.Read(input)
	require.NoError(t, err)
	session := start(t).session(t)
	session.Stdin = bytes.NewReader(input)
	out, err := session.Output("cat") // and as much comes back meanwhile
	require.NoError(t, err)
	want, got := sha256.Sum256(input), sha256.Sum256(out)
	require.Equal(t, hex.EncodeToString(want[:]), hex.EncodeToString(got[:]))
}

func TestCommandThatDoesNotReadItsInputKeepsNobodyWaiting(t *testing.T) {
	session := start(t).session(t)
	stdin, err := session.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, session.Start("exec <&-; read -r never; echo done"))
	_, err = io.Copy(stdin, io.LimitReader(zeros{}, 8<<20))
	if err != nil { // the command may have ended first
		require.ErrorIs(t, err, io.EOF)
	}
	require.NoError(t, session.Wait())
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestCommandsOfOneConnectionRunSideBySide(t *testing.T) {
	h := start(t)
	require.NoError(t, syscall.Mkfifo(filepath.Join(h.dir, "meet"), 0o600))
	client := h.login(t)
	writer, err := client.NewSession()
	require.NoError(t, err)
	reader, err := client.NewSession()
	require.NoError(t, err)
	require.NoError(t, writer.Start("echo met >meet")) // waits for the other
	out, err := reader.Output("cat meet")
	require.NoError(t, err)
	require.Equal(t, "met\n", string(out))
	require.NoError(t, writer.Wait())
}

func TestSignalOfTheClientEndsTheWholeGroup(t *testing.T) {
	h := start(t)
	alive := h.watch(t)
	session := h.session(t)
	leaveRunning(t, session)
	require.NoError(t, session.Signal(ssh.SIGTERM))
	var exit *ssh.ExitError
	require.ErrorAs(t, session.Wait(), &exit)
	require.Equal(t, "TERM", exit.Signal())
	alive.requireOver(t)
}

func TestSignalWithoutANameInSSHIsToldAsByAShell(t *testing.T) {
	err := start(t).session(t).Run("kill -XCPU $$")
	var exit *ssh.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 128+int(syscall.SIGXCPU), exit.ExitStatus())
}

func TestClosedChannelKillsTheGroup(t *testing.T) {
	h := start(t)
	alive := h.watch(t)
	session := h.session(t)
	leaveRunning(t, session)
	require.NoError(t, session.Close())
	alive.requireOver(t)
}

func TestLostConnectionKillsTheGroup(t *testing.T) {
	h := start(t)
	alive := h.watch(t)
	client := h.login(t)
	session, err := client.NewSession()
	require.NoError(t, err)
	leaveRunning(t, session)
	require.NoError(t, client.Close())
	alive.requireOver(t)
}

func TestWhatACommandLeavesInTheBackgroundIsKilled(t *testing.T) {
	h := start(t)
	alive := h.watch(t)
	out, err := h.session(t).Output("exec 3>alive; sleep 1000 >/dev/null 2>&1 & echo left")
	require.NoError(t, err)
	require.Equal(t, "left\n", string(out))
	alive.requireOver(t)
}

func TestCloseKillsWhatRunsAndReturns(t *testing.T) {
	h := start(t)
	alive := h.watch(t)
	session := h.session(t)
	leaveRunning(t, session)
	h.Close()
	alive.requireOver(t)
	require.Error(t, session.Wait())
	_, err := h.dial(ssh.PublicKeys(h.key))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestCloseDoesNotWaitForAClientThatSaysNothing(t *testing.T) {
	h := start(t)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", fmt.Sprint(h.Port())))
	require.NoError(t, err)
	defer conn.Close()
	h.Close()
	_, err = io.Copy(io.Discard, conn)
	if err != nil {
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
}

func TestOnlyTheOneKeyLogsIn(t *testing.T) {
	h := start(t)
	for name, method := range map[string]ssh.AuthMethod{
		"another key": ssh.PublicKeys(newKey(t)),
		"a password":  ssh.Password("demo"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := h.dial(method)
			require.ErrorContains(t, err, "unable to authenticate")
		})
	}
}

func TestOnlyCommandsAreServed(t *testing.T) {
	client := start(t).login(t)
	_, err := client.Dial("tcp", "127.0.0.1:9")
	var refused *ssh.OpenChannelError
	require.ErrorAs(t, err, &refused, "no forwarding")

	session, err := client.NewSession()
	require.NoError(t, err)
	require.Error(t, session.RequestSubsystem("sftp"))
	require.Error(t, session.Shell())
	require.Error(t, session.RequestPty("xterm", 24, 80, ssh.TerminalModes{}))
}

func TestKeepaliveIsAnswered(t *testing.T) {
	_, _, err := start(t).login(t).SendRequest("keepalive@openssh.com", true, nil)
	require.NoError(t, err)
}

func TestCommandRunsAsWhoItIsTold(t *testing.T) {
	self := &syscall.Credential{Uid: uint32(os.Getuid()), Gid: uint32(os.Getgid()), NoSetGroups: true}
	if self.Uid == 0 { // who may be anybody
		self = &syscall.Credential{Uid: 65534, Gid: 65534}
	}
	h := start(t, func(cfg *demohost.Config) {
		require.NoError(t, os.Chmod(filepath.Dir(cfg.Dir), 0o711)) // the test's directory lets only us in
		cfg.RunAs = self
	})
	out, err := h.session(t).Output("id -u; id -g")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%d\n%d\n", self.Uid, self.Gid), string(out))
}

func TestRateSlowsInputDownAndKeepsItWhole(t *testing.T) {
	const rate, size = 1 << 20, 256 << 10
	h := start(t, func(cfg *demohost.Config) { cfg.Rate = rate })
	session := h.session(t)
	session.Stdin = io.LimitReader(zeros{}, size)
	began := time.Now()
	out, err := session.Output("wc -c")
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(size), strings.TrimSpace(string(out)))
	require.GreaterOrEqual(t, time.Since(began), time.Second*size/rate, "no sooner than the rate allows")
}
