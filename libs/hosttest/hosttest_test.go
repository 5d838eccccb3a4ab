package hosttest

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func TestHostsAreSeparateAndComplete(t *testing.T) {
	hosts := Start(t, 3)
	seen := map[string]bool{}
	for _, h := range hosts {
		client := login(t, h, keyLogin(t, h))
		require.Equal(t, h.Home+"\n", output(t, client, `cd "$HOME" && pwd`))
		require.Empty(t, output(t, client, "ls -A ~"), "a new home is empty")
		for _, unique := range []string{h.Name, h.Home, h.HostKey, net.JoinHostPort(h.Addr, strconv.Itoa(h.Port))} {
			require.False(t, seen[unique], "%s occurs twice", unique)
			seen[unique] = true
		}
	}
}

func TestFiftyHostsStart(t *testing.T) {
	begin := time.Now()
	hosts := Start(t, 50)
	t.Logf("50 hosts greet after %v", time.Since(begin))
	require.Len(t, hosts, 50)
	login(t, hosts[49], keyLogin(t, hosts[49]))
}

func TestEachTypeOfKeyLogsIn(t *testing.T) {
	for _, kind := range []KeyType{Ed25519, ECDSA, RSA} {
		t.Run(string(kind), func(t *testing.T) {
			h := Start(t, 1, WithKey(kind), WithHostKeys(kind))[0]
			login(t, h, keyLogin(t, h))
		})
	}
}

func TestPasswordIsCheckedForReal(t *testing.T) {
	before, _ := os.ReadFile("/etc/shadow") // who may not read it cannot start such a host, and is told so
	h := Start(t, 1, WithPassword())[0]
	login(t, h, ssh.Password(h.Password))
	login(t, h, keyLogin(t, h))
	_, err := dial(h, ssh.Password("not "+h.Password))
	require.ErrorContains(t, err, "unable to authenticate")
	after, err := os.ReadFile("/etc/shadow")
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after), "the machine's accounts are untouched")
}

func TestPasswordIsRefusedUnlessAskedFor(t *testing.T) {
	h := Start(t, 1)[0]
	require.Empty(t, h.Password)
	_, err := dial(h, ssh.Password("anything"))
	require.ErrorContains(t, err, "unable to authenticate")
}

func TestForcedCommandRunsInThePlaceOfWhatWasAskedFor(t *testing.T) {
	program := filepath.Join(t.TempDir(), "witness")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho \"in $HOME: $SSH_ORIGINAL_COMMAND\"\n"), 0o755))
	h := Start(t, 1, WithForcedCommand(program))[0]
	client := login(t, h, keyLogin(t, h))
	require.Equal(t, "in "+h.Home+": echo hello\n", output(t, client, "echo hello"))
}

func TestCommandsAreCounted(t *testing.T) {
	h := Start(t, 1)[0]
	client := login(t, h, keyLogin(t, h))
	require.Zero(t, h.Commands())
	output(t, client, "true")
	output(t, client, "true")
	require.Equal(t, 2, h.Commands())
}

func TestAGateHoldsWhoComesToItUntilItIsOpened(t *testing.T) {
	h := Start(t, 1)[0]
	client := login(t, h, keyLogin(t, h))
	open := h.Gate("gate")
	session, err := client.NewSession()
	require.NoError(t, err)
	require.NoError(t, session.Start("cd && echo >came && read go <gate && echo >passed"))
	require.Eventually(t, func() bool { _, err := os.Stat(filepath.Join(h.Home, "came")); return err == nil }, patience, pollEvery)
	require.NoFileExists(t, filepath.Join(h.Home, "passed"))
	open()
	require.NoError(t, session.Wait())
	require.FileExists(t, filepath.Join(h.Home, "passed"))

	open = h.Gate("early")
	open()
	require.Equal(t, "go\n", output(t, client, "cd && read go <early && echo $go"))
}

func TestStopEndsEverythingAndStartComesBack(t *testing.T) {
	h := Start(t, 1)[0]
	client := login(t, h, keyLogin(t, h))
	child, orphan := startSleepers(t, h, client)

	h.Stop()
	require.False(t, running(child), "what a session runs")
	require.False(t, running(orphan), "what a session left behind")
	_, err := dial(h, keyLogin(t, h))
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	h.Stop()

	h.Start()
	login(t, h, keyLogin(t, h))
	require.FileExists(t, filepath.Join(h.Home, "orphan"), "the home outlives the restart")
}

func TestKillSessionsLeavesTheHostListening(t *testing.T) {
	h := Start(t, 1)[0]
	client := login(t, h, keyLogin(t, h))
	child, orphan := startSleepers(t, h, client)
	h.KillSessions()
	require.False(t, running(child))
	require.False(t, running(orphan))
	require.Error(t, client.Wait(), "the connection is gone")
	login(t, h, keyLogin(t, h))
}

func TestKillSessionsOfOneHostSparesTheOthers(t *testing.T) {
	hosts := Start(t, 2)
	client := login(t, hosts[1], keyLogin(t, hosts[1]))
	child, orphan := startSleepers(t, hosts[1], client)
	hosts[0].KillSessions()
	hosts[0].Stop()
	require.True(t, running(child))
	require.True(t, running(orphan))
	require.Equal(t, "still here\n", output(t, client, "echo still here"))
}

func TestFrozenHostAnswersOnlyAfterThaw(t *testing.T) {
	h := Start(t, 1)[0]
	client := login(t, h, keyLogin(t, h))
	child, orphan := startSleepers(t, h, client)

	h.Freeze()
	require.True(t, standing(child))
	require.True(t, standing(orphan))
	answer := make(chan error, 1)
	go func() {
		_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
		answer <- err
	}()
	require.Empty(t, answer)

	h.Thaw()
	require.NoError(t, <-answer)
	require.False(t, standing(child))
	require.False(t, standing(orphan))
	login(t, h, keyLogin(t, h))
}

func TestFrozenHostCanBeStopped(t *testing.T) {
	h := Start(t, 1)[0]
	h.Freeze()
	h.Stop()
	h.Start()
	login(t, h, keyLogin(t, h))
}

func TestReplacedHostKeyIsServed(t *testing.T) {
	h := Start(t, 1, WithHostKeys(Ed25519, ECDSA))[0]
	before := &Host{Addr: h.Addr, Port: h.Port, User: h.User, HostKey: h.HostKey, HostKeys: h.HostKeys}
	h.ReplaceHostKey()
	require.NotEqual(t, before.HostKey, h.HostKey)
	require.Len(t, h.HostKeys, 2)
	_, err := dial(before, keyLogin(t, h))
	require.ErrorContains(t, err, "host key mismatch")
	login(t, h, keyLogin(t, h))
}

func TestSmallDiskFillsUp(t *testing.T) {
	hosts := Start(t, 2, WithSmallDisk(1<<20))
	client := login(t, hosts[0], keyLogin(t, hosts[0]))
	session, err := client.NewSession()
	require.NoError(t, err)
	text, err := session.CombinedOutput("head -c 2000000 /dev/zero >~/big")
	require.Error(t, err)
	require.Contains(t, string(text), "No space left on device")

	client = login(t, hosts[1], keyLogin(t, hosts[1]))
	output(t, client, "head -c 500000 /dev/zero >~/small")
}

func TestCleanupLeavesNothingBehind(t *testing.T) {
	var h *Host
	var child, orphan int
	require.True(t, t.Run("inner", func(t *testing.T) {
		h = Start(t, 1, WithSmallDisk(1<<20))[0]
		child, orphan = startSleepers(t, h, login(t, h, keyLogin(t, h)))
	}))
	require.False(t, running(child))
	require.False(t, running(orphan))
	require.NoDirExists(t, h.Home)
	mounts, err := os.ReadFile("/proc/self/mounts")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), h.Home)
}

func keyLogin(t *testing.T, h *Host) ssh.AuthMethod {
	t.Helper()
	signer, err := ssh.ParsePrivateKey(h.PrivateKeyPEM)
	require.NoError(t, err)
	return ssh.PublicKeys(signer)
}

func dial(h *Host, auth ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)), &ssh.ClientConfig{
		User: h.User, Auth: []ssh.AuthMethod{auth},
		HostKeyCallback:   ssh.FixedHostKey(h.HostKeys[0]),
		HostKeyAlgorithms: algorithms(h.HostKeys[0].Type()),
		Timeout:           patience,
	})
}

func algorithms(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512}
	}
	return []string{keyType}
}

func login(t *testing.T, h *Host, auth ssh.AuthMethod) *ssh.Client {
	t.Helper()
	client, err := dial(h, auth)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func output(t *testing.T, client *ssh.Client, command string) string {
	t.Helper()
	session, err := client.NewSession()
	require.NoError(t, err)
	text, err := session.CombinedOutput(command)
	require.NoError(t, err, string(text))
	return string(text)
}

// startSleepers leaves two processes on the host: a child of a session that goes on, and an orphan, in a session of its
// own, of one that has ended.
func startSleepers(t *testing.T, h *Host, client *ssh.Client) (child, orphan int) {
	t.Helper()
	output(t, client, "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >~/orphan")
	session, err := client.NewSession()
	require.NoError(t, err)
	require.NoError(t, session.Start("echo $$ >~/child.part; mv ~/child.part ~/child; sleep 1000; true"))
	return pidIn(t, filepath.Join(h.Home, "child")), pidIn(t, filepath.Join(h.Home, "orphan"))
}

func pidIn(t *testing.T, file string) int {
	t.Helper()
	var pid int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	}, patience, pollEvery)
	require.True(t, running(pid))
	return pid
}

func running(pid int) bool {
	p, found := readProcess(pid)
	return found && !p.dead()
}

func standing(pid int) bool {
	p, found := readProcess(pid)
	return found && p.stopped()
}

func TestSettingsReplaceWhatHostsHaveByDefault(t *testing.T) {
	h := Start(t, 1, WithSettings("MaxStartups 1", "PermitTTY no"))[0]
	// The host may still take whoever asked whether it is up for one that logs in.
	require.Eventually(t, func() bool {
		dialer := net.Dialer{}
		waiting, err := dialer.DialContext(t.Context(), "tcp", net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)))
		require.NoError(t, err)
		t.Cleanup(func() { _ = waiting.Close() })
		greeting := make([]byte, 4)
		_, err = io.ReadFull(waiting, greeting)
		return err == nil && string(greeting) == "SSH-"
	}, patience, pollEvery)
	_, err := dial(h, keyLogin(t, h))
	require.Error(t, err)
	require.Contains(t, h.Log(), "drop connection")
}
