package hosts

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

const base = "apps/web"

// connect returns a connection of its own.
func connect(t *testing.T, h *hosttest.Host) *Host {
	t.Helper()
	client, err := ssh.Dial(t.Context(), ssh.Target{
		Address: h.Addr, Port: h.Port, User: h.User, HostKey: h.HostKey, Auth: ssh.Auth{PrivateKey: h.PrivateKeyPEM},
	}, ssh.Options{})
	require.NoError(t, err)
	host := &Host{client: client, release: func() { _ = client.Close() }}
	t.Cleanup(func() { require.NoError(t, host.Close()) })
	return host
}

func fence(token uint64) hostcmd.Fence {
	return hostcmd.Fence{Installation: "test", Token: token, Wait: patience}
}

// release is a version whose bundle has a file of noise beside VERSION.
type release struct {
	hostcmd.Release
	bundle  hostcmd.Bundle
	content []byte
}

func pack(t *testing.T, version string, noise int) release {
	t.Helper()
	var raw, bundle bytes.Buffer
	files := tar.NewWriter(&raw)
	for _, f := range []struct{ name, content string }{{"VERSION", version}, {"noise", random(noise)}} { // always in this order
		require.NoError(t, files.WriteHeader(&tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.content))}))
		_, err := io.WriteString(files, f.content)
		require.NoError(t, err)
	}
	require.NoError(t, files.Close())
	s, _, err := archive.Build(t.Context(), archive.Source{
		Data: bytes.NewReader(raw.Bytes()), Size: int64(raw.Len()), Format: archive.FormatTar,
	}, archive.Gzip, &bundle, archive.DefaultLimits())
	require.NoError(t, err)
	return release{
		hostcmd.Release{Base: base, Version: version, Digest: s.SHA256},
		hostcmd.Bundle{
			How: hostcmd.Whole, Codec: string(archive.Gzip), SHA256: s.SHA256, Size: s.Size,
			Manifest: s.Manifest, Files: s.Files, Paths: s.Paths, Unpacked: s.Unpacked,
		},
		bundle.Bytes(),
	}
}

// random is text that does not get smaller.
func random(size int) string {
	text := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(text) // never fails
	return string(text)
}

// run runs a command of which it must be known that it can be built.
func run(ctx context.Context, t *testing.T, h *Host, stdin io.Reader, command func() (hostcmd.Command, error)) (hostcmd.Output, error) {
	t.Helper()
	c, err := command()
	require.NoError(t, err)
	return h.Run(ctx, c, stdin)
}

func probe(f hostcmd.Fence, r release) func() (hostcmd.Command, error) {
	return func() (hostcmd.Command, error) { return hostcmd.Probe(f, r.Release) }
}

func stage(f hostcmd.Fence, r release) func() (hostcmd.Command, error) {
	return func() (hostcmd.Command, error) { return hostcmd.Stage(f, r.Release, r.bundle, "d") }
}

func activate(f hostcmd.Fence, r release) func() (hostcmd.Command, error) {
	return func() (hostcmd.Command, error) { return hostcmd.Switch(f, r.Release, "d") }
}

func task(command string) hostcmd.Task {
	return hostcmd.Task{Base: base, Deployment: "d", Command: command}
}

func requireRuns(t *testing.T, h *hosttest.Host, version string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(h.Home, base, "current", "VERSION"))
	require.NoError(t, err)
	require.Equal(t, version, string(content))
}

func TestTheCommandsOfOneFenceGoInOneSession(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	for n, version := range []string{"v1", "v2"} {
		f, r := fence(uint64(n+1)), pack(t, version, 3<<20)
		out, err := run(t.Context(), t, host, nil, probe(f, r))
		require.NoError(t, err)
		require.Equal(t, []string{"no"}, out.All(hostcmd.KeyStaged))

		out, err = run(t.Context(), t, host, bytes.NewReader(r.content), stage(f, r))
		require.NoError(t, err)
		require.Equal(t, []string{"transfer", "verify", "unpack"}, out.All(hostcmd.KeyStep))
		_, err = run(t.Context(), t, host, nil, activate(f, r))
		require.NoError(t, err)
		_, err = run(t.Context(), t, host, nil, func() (hostcmd.Command, error) { return hostcmd.Clean(f, base, 1) })
		require.NoError(t, err)
		requireRuns(t, h, version)
		require.Equal(t, n+1, h.Commands())
	}

	f, r := fence(3), pack(t, "v3", 1000)
	_, err := run(t.Context(), t, host, nil, probe(f, r))
	require.NoError(t, err)
	_, err = run(t.Context(), t, host, nil, activate(f, r))
	require.ErrorIs(t, err, hostcmd.ErrIncomplete)
	require.Equal(t, 3, h.Commands())
	_, err = run(t.Context(), t, host, bytes.NewReader(r.content), stage(f, r))
	require.NoError(t, err)
	require.Equal(t, 4, h.Commands(), "what failed has ended the session")
	out, err := run(t.Context(), t, host, nil, func() (hostcmd.Command, error) { return hostcmd.Inspect(base) })
	require.NoError(t, err)
	require.Equal(t, []string{"v2"}, out.All(hostcmd.KeyCurrent))
}

func TestWhatACommandSaidGoesWithIt(t *testing.T) {
	host := connect(t, hosttest.Start(t, 1)[0])
	r := pack(t, "v1", 1000)
	_, err := run(t.Context(), t, host, nil, activate(fence(1), r))
	require.EqualError(t, err, "release missing or incomplete: release v1 is not complete in ./"+base)
	r.bundle.SHA256 = strings.Repeat("0", 64)
	_, err = run(t.Context(), t, host, bytes.NewReader(r.content), stage(fence(1), r))
	require.ErrorIs(t, err, hostcmd.ErrChecksum)
	require.NotContains(t, err.Error(), "missing or incomplete")
}

// switchThenClean switches to a release and asks for the cleaning up along with it.
func switchThenClean(t *testing.T, f hostcmd.Fence, r release) (both, clean func() (hostcmd.Command, error)) {
	t.Helper()
	clean = func() (hostcmd.Command, error) { return hostcmd.Clean(f, base, 1) }
	return func() (hostcmd.Command, error) {
		first, err := activate(f, r)()
		require.NoError(t, err)
		second, err := clean()
		require.NoError(t, err)
		return first.AndThen(second), nil
	}, clean
}

func TestWhatIsAskedForAlongWithACommandIsDoneBeforeItIsRun(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	for n, version := range []string{"v1", "v2", "v1"} {
		f, r := fence(uint64(n+1)), pack(t, version, 1000)
		if n < 2 { // the third time the switch is the first of its session
			_, err := run(t.Context(), t, host, bytes.NewReader(r.content), stage(f, r))
			require.NoError(t, err)
		}
		both, clean := switchThenClean(t, f, r)
		_, err := run(t.Context(), t, host, nil, both)
		require.NoError(t, err)
		<-host.session.ended // as it does after cleaning up
		out, err := run(t.Context(), t, host, nil, clean)
		require.NoError(t, err)
		require.Empty(t, out.All(hostcmd.KeyCurrent), "what the switch said")
		require.Equal(t, n+1, h.Commands())
		requireRuns(t, h, r.Version)
	}
}

func TestWhatIsAskedForAlongWithACommandThatFailsIsNotDone(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	for n, version := range []string{"v1", "v2", "v3"} {
		f, r := fence(uint64(n+1)), pack(t, version, 1000)
		_, err := run(t.Context(), t, host, bytes.NewReader(r.content), stage(f, r))
		require.NoError(t, err)
		_, err = run(t.Context(), t, host, nil, activate(f, r))
		require.NoError(t, err)
	}
	f := fence(4)
	both, clean := switchThenClean(t, f, pack(t, "v4", 1000))
	_, err := run(t.Context(), t, host, nil, both)
	require.ErrorIs(t, err, hostcmd.ErrIncomplete)
	<-host.session.ended
	require.DirExists(t, filepath.Join(h.Home, base, "releases", "v1"))

	out, err := run(t.Context(), t, host, nil, clean)
	require.NoError(t, err, "in another session")
	require.Equal(t, []string{"v1"}, out.All(hostcmd.KeyRemoved))
}

func TestAfterAnErrorAnotherSessionTakesWhatWasAskedForAlong(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	f, r := fence(1), pack(t, "v1", 1000)
	_, err := run(t.Context(), t, host, bytes.NewReader(r.content), stage(f, r))
	require.NoError(t, err)
	host.session.leave(t.Context())

	both, clean := switchThenClean(t, f, r) // which begin a session
	h.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = run(ctx, t, host, nil, both)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	h.Thaw()
	_, err = run(t.Context(), t, host, nil, clean)
	require.NoError(t, err)
}

func TestAnotherCommandThanWasAskedForHasASessionOfItsOwn(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	f, r := fence(1), pack(t, "v1", 1000)
	_, err := run(t.Context(), t, host, bytes.NewReader(r.content), stage(f, r))
	require.NoError(t, err)
	both, _ := switchThenClean(t, f, r)
	_, err = run(t.Context(), t, host, nil, both)
	require.NoError(t, err)
	out, err := run(t.Context(), t, host, nil, activate(f, r))
	require.NoError(t, err)
	require.Equal(t, []string{"v1"}, out.All(hostcmd.KeyCurrent))
	require.Equal(t, 2, h.Commands())
}

func TestTheEndsOfTwoAnswersComeInAnyOrder(t *testing.T) {
	const out, err = "stdout", "stderr"
	type line struct{ stream, text string }
	first := []line{{out, "slipway current v1"}, {out, "slipway done 0"}}
	second := []line{{out, "slipway removed v0"}, {out, "slipway over 1"}}
	firstErr := []line{{err, "slipway: one"}, {err, hostcmd.EndOfStderr}}
	secondErr := []line{{err, "slipway: two"}, {err, hostcmd.EndOfStderr}}
	for name, lines := range map[string][][]line{
		"one after the other": {first, firstErr, second, secondErr},
		"stdout first":        {first, second, firstErr, secondErr},
		"stderr first":        {firstErr, secondErr, first, second},
		"in between":          {first, firstErr[:1], second, firstErr[1:], secondErr},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{answers: make(chan answer, mostAnswers)}
			s.complaints = (*mask.Mask)(nil).Lines(s.keep)
			for _, part := range lines {
				for _, l := range part {
					if l.stream == out {
						s.hear(l.text)
					} else {
						s.hearStderr(l.text)
					}
				}
			}
			a, b := <-s.answers, <-s.answers
			require.Equal(t, []string{"v1"}, a.All(hostcmd.KeyCurrent))
			require.Equal(t, "slipway: one\n", a.stderr)
			require.False(t, a.over)
			require.Equal(t, []string{"v0"}, b.All(hostcmd.KeyRemoved))
			require.Empty(t, b.All(hostcmd.KeyCurrent))
			require.Equal(t, "slipway: two\n", b.stderr)
			require.Equal(t, 1, b.code)
			require.True(t, b.over)
		})
	}
}

func TestContentThatIsNotReadIsNoCommand(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	r := pack(t, "v1", 1000)
	_, err := run(t.Context(), t, host, nil, probe(fence(1), r))
	require.NoError(t, err)
	_, err = run(t.Context(), t, host, bytes.NewReader(r.content), stage(fence(1), r))
	require.NoError(t, err)

	// It is there already, so nothing is read of what would run if it were asked for.
	evil := r
	evil.bundle.Size = 8 << 20
	evil.content = []byte(strings.Repeat("claim 0 0; touch \"$HOME/evil\"\n", 8<<20/30+1))
	out, err := run(t.Context(), t, host, bytes.NewReader(evil.content), stage(fence(1), evil))
	require.NoError(t, err)
	require.Equal(t, []string{"yes"}, out.All(hostcmd.KeyStaged))
	_, err = run(t.Context(), t, host, nil, activate(fence(1), r))
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(h.Home, "evil"))
	require.Equal(t, 2, h.Commands())
}

// oldDD returns a directory with a dd that lacks an option.
func oldDD(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncase $* in *fullblock*) exit 1 ;; esac\nexec /usr/bin/dd \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "dd"), []byte(script), 0o755))
	return dir
}

func TestContentOnAHostThatCannotCutItEndsTheSession(t *testing.T) {
	for name, size := range map[string]int{"at once": 1000, "in blocks": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			h := hosttest.Start(t, 1, hosttest.WithEnvironment("PATH="+oldDD(t)+":"+os.Getenv("PATH")))[0]
			host := connect(t, h)
			r := pack(t, "v1", size)
			_, err := run(t.Context(), t, host, nil, probe(fence(1), r))
			require.NoError(t, err)
			_, err = run(t.Context(), t, host, bytes.NewReader(r.content), stage(fence(1), r))
			require.NoError(t, err)
			require.Equal(t, 1, h.Commands())
			_, err = run(t.Context(), t, host, nil, activate(fence(1), r))
			require.NoError(t, err)
			require.Equal(t, 2, h.Commands())
			requireRuns(t, h, "v1")
			next := pack(t, "v2", size)
			_, err = run(t.Context(), t, host, bytes.NewReader(next.content), stage(fence(1), next))
			require.NoError(t, err)
			_, err = run(t.Context(), t, host, nil, activate(fence(1), next))
			require.NoError(t, err)
			requireRuns(t, h, "v2")
			require.Equal(t, 3, h.Commands(), "it is known by now, so content is the last of its session")
		})
	}
}

func TestContentThatBreaksOffStagesNothing(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	r := pack(t, "v1", 1<<20)
	gone := errors.New("the store is gone")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	token := uint64(0) // another each time, as a shell that was given up may yet come to its fence
	for name, test := range map[string]struct {
		ctx  context.Context
		rest io.Reader
		want error
	}{
		"the source fails":    {t.Context(), failing{gone}, gone},
		"the source is short": {t.Context(), strings.NewReader(""), io.ErrUnexpectedEOF},
		"the time is up":      {ctx, readerFunc(cancel), context.Canceled},
	} {
		for _, first := range []bool{true, false} {
			token++
			if !first {
				_, err := run(t.Context(), t, host, nil, probe(fence(token), r))
				require.NoError(t, err, name)
			}
			if first && errors.Is(test.want, io.ErrUnexpectedEOF) {
				continue // then the end of stdin ends it, and the host's checksum tells
			}
			_, err := run(test.ctx, t, host, io.MultiReader(bytes.NewReader(r.content[:len(r.content)/2]), test.rest), stage(fence(token), r))
			require.ErrorIs(t, err, test.want, name)
			require.False(t, ssh.IsTransient(err))
		}
	}
	token++
	_, err := run(t.Context(), t, host, bytes.NewReader(r.content), stage(fence(token), r))
	require.NoError(t, err)
	_, err = run(t.Context(), t, host, nil, activate(fence(token), r))
	require.NoError(t, err)
	requireRuns(t, h, "v1")
}

func TestANewerTokenEndsASessionAtRestAndAtWork(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	r := pack(t, "v1", 1000)
	claim := func(token uint64) func() (hostcmd.Command, error) {
		return func() (hostcmd.Command, error) { return hostcmd.Claim(fence(token)) }
	}
	old, next := connect(t, h), connect(t, h)
	_, err := run(t.Context(), t, old, nil, probe(fence(1), r))
	require.NoError(t, err)
	out, err := run(t.Context(), t, next, nil, claim(2))
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, out.All(hostcmd.KeyEvicted))
	for range 2 { // once more if the host is faster to kill than to tell
		if _, err = run(t.Context(), t, old, nil, activate(fence(1), r)); !errors.Is(err, ErrKilled) {
			break
		}
	}
	require.ErrorIs(t, err, hostcmd.ErrSuperseded)

	working, ended := filepath.Join(h.Home, "working"), make(chan error, 1)
	go func() {
		c, err := hostcmd.Perform(fence(2), task("touch working; sleep 600"))
		if err == nil {
			_, err = next.Run(context.Background(), c, nil)
		}
		ended <- err
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(working); return err == nil }, patience, 5*time.Millisecond)
	_, err = run(t.Context(), t, connect(t, h), nil, claim(3))
	require.NoError(t, err)
	require.ErrorIs(t, <-ended, ErrKilled)
}

func TestASessionAtRestMakesWayForOthers(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	r := pack(t, "v1", 1000)
	_, err := run(t.Context(), t, host, nil, probe(fence(1), r))
	require.NoError(t, err)
	other := fence(1)
	other.Installation = "other" // waits for the lock, and kills nobody
	_, err = run(t.Context(), t, connect(t, h), nil, func() (hostcmd.Command, error) { return hostcmd.Claim(other) })
	require.NoError(t, err)

	_, err = run(t.Context(), t, host, bytes.NewReader(r.content), stage(fence(1), r))
	require.NoError(t, err)
	_, err = run(t.Context(), t, host, nil, activate(fence(1), r))
	require.NoError(t, err)
	requireRuns(t, h, "v1")
	require.Equal(t, 3, h.Commands(), "another session took the rest, as it is known that content can be cut")
}

func TestATaskHasItsStreamsAndItsStatus(t *testing.T) {
	host := connect(t, hosttest.Start(t, 1)[0])
	for token, c := range []struct {
		command, out, err string
		status            int
	}{
		{"true", "", "", 0},
		{"exit 3", "", "", 3},
		{"echo slipway over 0; echo slipway end >&2; printf x; exit 80", "slipway over 0\nx", "slipway end\n", 80},
	} {
		perform := task(c.command)
		perform.Mark = fmt.Sprint("before-", token)
		command, err := hostcmd.Perform(fence(uint64(token+1)), perform)
		require.NoError(t, err)
		var stdout, stderr bytes.Buffer
		out, err := host.Perform(t.Context(), command, strings.NewReader(perform.Content()), &stdout, &stderr)
		require.Empty(t, out.Results)
		require.Equal(t, c.out, stdout.String())
		require.Equal(t, c.err, stderr.String())
		if c.status == 0 {
			require.NoError(t, err)
			out, err = host.Perform(t.Context(), command, nil, nil, nil)
			require.NoError(t, err)
			require.Equal(t, []string{perform.Mark}, out.All(hostcmd.KeyRan))
			continue
		}
		require.EqualError(t, err, fmt.Sprintf("the command failed: it ended with status %d", c.status))
	}
	none, err := hostcmd.Perform(fence(9), hostcmd.Task{Base: base, Version: "v9", Deployment: "d", Command: "echo x"})
	require.NoError(t, err)
	_, err = host.Perform(t.Context(), none, nil, nil, nil)
	require.ErrorIs(t, err, hostcmd.ErrIncomplete, "before it begins, the status is ours")
}

// What a tool says is nothing but what it says, whatever it is.
func TestAToolMaySayWhatATaskBeginsAfter(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	r := pack(t, "v1", 10)
	_, err := run(t.Context(), t, host, bytes.NewReader(r.content), stage(fence(1), r))
	require.NoError(t, err)
	python := filepath.Join(t.TempDir(), "python3")
	script := "#!/bin/sh\n[ $2 = pip ] || { mkdir -p .venv/bin && ln -sf \"$0\" .venv/bin/python; }\n" +
		"echo '" + hostcmd.Mark + "' >&2\necho built >&2\n"
	require.NoError(t, os.WriteFile(python, []byte(script), 0o755))
	p := hostcmd.Preparation{
		Base: base, Version: "v1", Runtimes: []hostcmd.Runtime{hostcmd.Fallback(hostcmd.Python{Requirements: "VERSION", Interpreter: python})},
	}
	command, err := hostcmd.Prepare(fence(1), p)
	require.NoError(t, err)
	var said bytes.Buffer
	out, err := host.Perform(t.Context(), command, strings.NewReader(p.Content()), nil, &said)
	require.NoError(t, err)
	runtime, before := out.Prepared()
	require.Equal(t, "fallback", runtime)
	require.False(t, before)
	require.Contains(t, said.String(), hostcmd.Mark+"\nbuilt\n")
}

func TestWhatAPerformLeavesRunningOutlivesItsSession(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	_, err := run(t.Context(), t, host, nil, func() (hostcmd.Command, error) { return hostcmd.Claim(fence(1)) })
	require.NoError(t, err)
	_, err = run(t.Context(), t, host, nil, func() (hostcmd.Command, error) {
		return hostcmd.Perform(fence(1), task("while sleep 0.1; do touch beat; done >/dev/null 2>&1 & echo $! >pid"))
	})
	require.NoError(t, err)
	out, err := run(t.Context(), t, connect(t, h), nil, func() (hostcmd.Command, error) { return hostcmd.Claim(fence(2)) })
	require.NoError(t, err)
	require.Empty(t, out.All(hostcmd.KeyEvicted))
	beat := filepath.Join(h.Home, "beat")
	require.NoError(t, os.RemoveAll(beat))
	require.Eventually(t, func() bool { _, err := os.Stat(beat); return err == nil }, patience, 5*time.Millisecond)
}

func TestALostConnectionIsToldAtRestAndAtWork(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	host := connect(t, h)
	r := pack(t, "v1", 1000)
	_, err := run(t.Context(), t, host, nil, probe(fence(1), r))
	require.NoError(t, err)
	h.KillSessions()
	_, err = run(t.Context(), t, host, nil, activate(fence(1), r))
	require.ErrorIs(t, err, ssh.ErrConnectionLost)

	host = connect(t, h)
	more, stalled := io.Pipe() // nothing comes of it
	defer stalled.Close()
	ended := make(chan error, 1)
	c, err := hostcmd.Stage(fence(1), r.Release, r.bundle, "d")
	require.NoError(t, err)
	go func() {
		_, err := host.Run(context.Background(), c, io.MultiReader(bytes.NewReader(r.content[:500]), more))
		ended <- err
	}()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join(h.Home, base, ".slipway/stage/of"))
		return err == nil
	}, patience, 5*time.Millisecond)
	h.KillSessions()
	require.ErrorIs(t, <-ended, ssh.ErrConnectionLost)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// readerFunc is called at each Read, and there is always more.
type readerFunc func()

func (f readerFunc) Read(p []byte) (int, error) {
	f()
	return len(p), nil
}

// However much a host says, and wherever that is cut, no secret is left of it.
func TestASessionKeepsNoSecret(t *testing.T) {
	secret := random(40)
	s := &session{answers: make(chan answer, 2)}
	s.complaints = mask.New("1st\n"+secret, secret).Lines(s.keep)
	end := func() string {
		s.hearStderr("")
		s.hearStderr(hostcmd.EndOfStderr)
		s.hear("slipway done 0")
		return (<-s.answers).stderr
	}
	s.hearStderr("it is 1st")
	s.hearStderr(secret + "!")
	s.hearStderr(strings.Repeat("x", ssh.MaxLine-20) + secret[:20]) // as a line comes that was cut
	said := end()
	require.Contains(t, said, strings.Repeat("x", 1000)+"***\n")
	s.hearStderr("it is 1st")
	require.Equal(t, "it is 1st\n\n", end(), "what one command says is no beginning of what the next does")
	for range 500 {
		s.hearStderr(strings.Repeat(secret+" ", 10))
	}
	said = end()
	require.Less(t, len(said), 3*mostStderr)
	for at := 0; at+8 <= len(secret); at++ {
		require.NotContains(t, said, secret[at:at+8])
	}
}

func TestAHostThatRepeatsItselfEndsNothing(t *testing.T) {
	s := &session{uncut: make(chan struct{})}
	s.hear("slipway uncut")
	s.hear("slipway uncut")
	<-s.uncut
}
