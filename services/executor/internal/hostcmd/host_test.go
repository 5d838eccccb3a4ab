package hostcmd

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/services/executor/internal/archive"
)

const busybox = "/bin/busybox" // where Debian's package puts it; `make test` installs it

// userland is what a host may have: a shell and the tools that go with it.
type userland struct {
	name  string
	shell string // the login shell; "sh" on the path is the same
	path  string
}

// userlands returns dash and bash with coreutils, and busybox with nothing but
// its own applets. flock alone is borrowed for it: Debian's busybox is built
// without, and what that of others does is flock(2) on the descriptor as well.
func userlands(t testing.TB) []userland {
	t.Helper()
	require.FileExists(t, busybox, "apt-get install busybox")
	flock, err := exec.LookPath("flock")
	require.NoError(t, err, "apt-get install util-linux")

	var all []userland
	for _, shell := range []string{"dash", "bash"} {
		program, err := exec.LookPath(shell)
		require.NoError(t, err)
		dir := t.TempDir()
		require.NoError(t, os.Symlink(program, filepath.Join(dir, "sh")))
		all = append(all, userland{shell, filepath.Join(dir, "sh"), dir + ":/usr/bin:/bin"})
	}
	applets, err := exec.Command(busybox, "--list").Output()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, applet := range strings.Fields(string(applets)) {
		require.NoError(t, os.Symlink(busybox, filepath.Join(dir, applet)))
	}
	if _, err := os.Lstat(filepath.Join(dir, "flock")); err != nil {
		require.NoError(t, os.Symlink(flock, filepath.Join(dir, "flock")))
	}
	return append(all, userland{"busybox", filepath.Join(dir, "sh"), dir})
}

// host is a login on a host: a home directory and a userland.
type host struct {
	t    testing.TB
	home string
	userland
	env []string
}

func newHost(t testing.TB, land userland) *host {
	t.Helper()
	return &host{t: t, home: newHome(t), userland: land}
}

// newHome returns an empty directory, in memory where there is such a place:
// Stage syncs the disk, which takes its time while other tests write to it.
func newHome(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "slipway-hostcmd-") //nolint:usetesting // see above
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// onEach runs a story once in each userland, each time on a fresh host, at the same
// time: they wait for programs, or for a lock, most of the time.
func onEach(t *testing.T, story func(t *testing.T, h *host)) {
	for _, land := range userlands(t) {
		t.Run(land.name, func(t *testing.T) {
			t.Parallel()
			story(t, newHost(t, land))
		})
	}
}

// command returns a line as sshd would run it: by the login shell, in a session
// of its own.
func (h *host) command(line string) *exec.Cmd {
	cmd := exec.Command(h.shell, "-c", line)
	cmd.Dir = "/"
	cmd.Env = append([]string{"HOME=" + h.home, "PATH=" + h.path}, h.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// answer is what came of a command.
type answer struct {
	Output
	err    error // by Check
	killed bool
	stderr string
	said   [2]string // by a task of the user, on stdout and stderr
}

// run does one thing, in a session of its own if it needs one.
func (h *host) run(c Command, stdin io.Reader) answer {
	h.t.Helper()
	answers := h.session(c.Line(), stdin)
	return answers[len(answers)-1]
}

// session runs a command line with this on stdin, and returns what came of each
// thing that was asked for, and of the session itself where it did not end well.
func (h *host) session(line string, stdin io.Reader) []answer {
	h.t.Helper()
	cmd := h.command(line)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// A pipe that we fill ourselves: a command may end without reading it all.
	in, err := cmd.StdinPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, cmd.Start())
	if stdin != nil {
		_, _ = io.Copy(in, stdin)
	}
	_ = in.Close()
	return h.answered(cmd.Wait(), stdout.String(), stderr.String())
}

// answered takes the output of a command line apart.
func (h *host) answered(err error, stdout, stderr string) []answer {
	h.t.Helper()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(h.t, err, &exit)
	}
	var all []answer
	var now answer
	stdout, said, task := strings.Cut(stdout, Mark+"\n")
	stderr, complained, _ := strings.Cut(stderr, Mark+"\n")
	for l := range strings.Lines(stdout) {
		r, isResult := ParseLine(l)
		switch {
		case isResult && (r.Key == KeyDone || r.Key == KeyOver):
			now.stderr, stderr, _ = strings.Cut(stderr, "\n"+EndOfStderr+"\n")
			code, err := strconv.Atoi(r.Value)
			require.NoError(h.t, err)
			now.err = Check(code, now.stderr)
			all, now = append(all, now), answer{}
		case isResult:
			now.Results = append(now.Results, r)
		default:
			now.Text += l
		}
	}
	if task {
		code := 0
		if exit != nil {
			code = exit.ExitCode()
		}
		now.err, now.said = CheckTask(code), [2]string{said, complained}
		return append(all, now)
	}
	if exit != nil || len(all) == 0 { // it died, or was none of a session
		now.stderr = stderr
		if exit != nil {
			status := exit.Sys().(syscall.WaitStatus)
			now.killed, now.err = status.Signaled(), Check(status.ExitStatus(), stderr)
		}
		all = append(all, now)
	}
	return all
}

func (a answer) value(key string) string {
	v, _ := a.Get(key)
	return v
}

// must runs a command that succeeds.
func (h *host) must(c Command, err error) answer {
	h.t.Helper()
	require.NoError(h.t, err)
	a := h.run(c, nil)
	require.NoError(h.t, a.err, a.stderr)
	require.Empty(h.t, a.Text)
	return a
}

// fails runs a command that fails with want.
func (h *host) fails(want error, c Command, err error) answer {
	h.t.Helper()
	require.NoError(h.t, err)
	a := h.run(c, nil)
	require.ErrorIs(h.t, a.err, want, a.stderr)
	return a
}

// fence returns one with enough patience for a slow machine.
func fence(token uint64) Fence {
	return Fence{Installation: "test", Token: token, Wait: time.Minute}
}

// payload is a package of one version in the form that Stage takes.
type payload struct {
	release Release
	bundle  Bundle
	data    []byte

	summary  archive.Summary
	manifest []byte
}

const base = "apps/web"

// pack makes a package whose file VERSION names the version.
func pack(t testing.TB, version string, more map[string]string) payload {
	t.Helper()
	var raw bytes.Buffer
	w := tar.NewWriter(&raw)
	add := func(name, content string) {
		mode := int64(0o644)
		if strings.HasPrefix(content, "\x7fELF") {
			mode = 0o755
		}
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content))}))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
	}
	add("VERSION", version)
	for _, name := range slices.Sorted(maps.Keys(more)) {
		add(name, more[name])
	}
	add("last", version)
	require.NoError(t, w.Close())

	var out bytes.Buffer
	src := archive.Source{Data: bytes.NewReader(raw.Bytes()), Size: int64(raw.Len()), Format: archive.FormatTar}
	m, manifest, err := archive.Build(context.Background(), src, archive.Gzip, &out, archive.DefaultLimits())
	require.NoError(t, err)
	return payload{
		release: Release{Base: base, Version: version, Digest: digestOf(version)},
		bundle:  bundleOf(Whole, m),
		data:    out.Bytes(),
		summary: m, manifest: manifest,
	}
}

func bundleOf(how How, s archive.Summary) Bundle {
	return Bundle{
		How: how, Codec: string(s.Codec), SHA256: s.SHA256, Size: s.Size,
		Manifest: s.Manifest, Files: s.Files, Paths: s.Paths, Unpacked: s.Unpacked,
	}
}

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// stage brings a payload to the host.
func (h *host) stage(f Fence, p payload) answer {
	h.t.Helper()
	c, err := Stage(f, p.release, p.bundle, "dep-"+p.release.Version)
	require.NoError(h.t, err)
	return h.run(c, bytes.NewReader(p.data))
}

// deploy stages and switches.
func (h *host) deploy(token uint64, version string) answer {
	h.t.Helper()
	p := pack(h.t, version, nil)
	a := h.stage(fence(token), p)
	require.NoError(h.t, a.err, a.stderr)
	return h.must(Switch(fence(token), p.release, "dep-"+version))
}

func (h *host) below(parts ...string) string {
	return filepath.Join(append([]string{h.home, base}, parts...)...)
}

// requireSound holds a host to invariant 8: what runs is complete and verified,
// and so is everything that counts as complete.
func (h *host) requireSound() {
	h.t.Helper()
	target, err := os.Readlink(h.below("current"))
	if !errors.Is(err, os.ErrNotExist) {
		require.NoError(h.t, err)
		version := strings.TrimPrefix(target, "releases/")
		require.FileExists(h.t, h.below(".slipway/releases", version))
		h.requireWhole(version)
	}
	marks, err := filepath.Glob(h.below(".slipway/releases/[a-z]*"))
	require.NoError(h.t, err)
	for _, mark := range marks {
		h.requireWhole(filepath.Base(mark))
	}
}

func (h *host) requireWhole(version string) {
	h.t.Helper()
	for _, name := range []string{"VERSION", "last"} {
		content, err := os.ReadFile(h.below("releases", version, name))
		require.NoError(h.t, err)
		require.Equal(h.t, version, string(content))
	}
}

func (h *host) requireCurrent(version string) {
	h.t.Helper()
	h.requireSound()
	target, err := os.Readlink(h.below("current"))
	require.NoError(h.t, err)
	require.Equal(h.t, "releases/"+version, target)
}

// requireStageCleared holds what lies where releases are staged to what cannot be taken
// for a part of one.
func (h *host) requireStageCleared() {
	h.t.Helper()
	left, err := filepath.Glob(h.below(".slipway/stage/*"))
	require.NoError(h.t, err)
	within, err := filepath.Glob(h.below(".slipway/stage/*/*"))
	require.NoError(h.t, err)
	require.Empty(h.t, within)
	for _, path := range left {
		require.Contains(h.t, []string{"of", "came", "tree", "bundle", "shared"}, filepath.Base(path))
	}
	for _, dir := range []string{".slipway/manifests", ".slipway/since"} {
		for _, version := range names(h.t, h.below(dir)) {
			require.FileExists(h.t, h.below(".slipway/releases", version), "whose "+dir+" it is")
		}
	}
}

func (h *host) releases() []string {
	h.t.Helper()
	return names(h.t, h.below("releases"))
}

func names(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	found := []string{}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

// eventually waits for a condition, and fails with what it waited for.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // this is the condition with a deadline
		if time.Now().After(deadline) {
			t.Fatal("gave up waiting: " + what)
		}
	}
}
