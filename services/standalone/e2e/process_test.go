package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

const (
	// patience bounds each wait for something that takes a moment. A machine under load is no reason to fail.
	patience = 2 * time.Minute
	// pollEvery is the pause between two looks at what cannot be waited for.
	pollEvery = 20 * time.Millisecond
	// tail is how much of a log is shown when a test fails, in bytes.
	tail = 8 << 10
)

// process is a program under test. It can die and be started again, over and over; what it writes to standard output and
// standard error is in one file. Its methods may be called from any goroutine and never end it.
type process struct {
	t    testing.TB
	name string
	args []string
	env  []string
	log  string

	mu  sync.Mutex
	run *run // the last one; nil before the first
}

// run is one life of a process.
type run struct {
	*proctest.Child
	from int64 // where in the log it begins
}

// newProcess returns a program that is not started yet: a program under test, or any whose path is absolute. It is killed
// when the test ends, and the end of what it wrote is shown if the test failed.
func newProcess(t testing.TB, dir, name, binary string, args ...string) *process {
	t.Helper()
	if !filepath.IsAbs(binary) {
		binary = filepath.Join(binaries, binary)
	}
	p := &process{
		t: t, name: name, log: filepath.Join(dir, name+".log"), args: append([]string{binary}, args...),
		// Nothing of the environment of the tests is to steer what they test.
		env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "GOTRACEBACK=all"},
	}
	t.Cleanup(func() {
		p.kill()
		p.checkLog()
		if t.Failed() {
			t.Logf("the end of what %s wrote:\n%s", name, lastOf(p.log, tail))
		}
	})
	return p
}

// crash is what a Go program writes when it is wrong by itself.
var crash = regexp.MustCompile(`(?m)^(WARNING: DATA RACE|panic: .*|fatal error: .*)$`)

func (p *process) checkLog() {
	text, err := os.ReadFile(p.log)
	if err != nil { // it was never started
		return
	}
	if at := crash.FindIndex(text); at != nil {
		p.t.Errorf("%s has a mistake of its own:\n%.*s", p.name, tail, text[at[0]:])
	}
}

// start runs the program, which must not be running.
func (p *process) start() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil && p.run.Running() {
		p.t.Errorf("%s is running already", p.name)
		return
	}
	r, err := p.launch()
	if err != nil {
		p.t.Errorf("start %s: %v", p.name, err)
		return
	}
	p.run = r
}

func (p *process) launch() (*run, error) {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	from, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.Dir = p.env, log, log, filepath.Dir(p.log)
	child, err := proctest.Start(cmd)
	if err != nil {
		return nil, err
	}
	return &run{Child: child, from: from}, nil
}

// kill ends the program with SIGKILL, if it runs, and returns when it is gone.
func (p *process) kill() { p.signal(syscall.SIGKILL, true) }

// terminate asks the program to stop and returns its exit status when it has.
func (p *process) terminate() int {
	p.signal(syscall.SIGTERM, true)
	return p.current().Code()
}

// freeze stops the program with SIGSTOP; thaw lets it go on.
func (p *process) freeze() { p.signal(syscall.SIGSTOP, false) }

func (p *process) thaw() { p.signal(syscall.SIGCONT, false) }

func (p *process) signal(s syscall.Signal, await bool) {
	r := p.current()
	if r == nil || !r.Running() {
		return
	}
	if err := r.Signal(s); err != nil {
		p.t.Errorf("%v to %s: %v", s, p.name, err)
		return
	}
	if !await {
		return
	}
	select {
	case <-r.Exited():
	case <-time.After(patience):
		p.t.Errorf("%s does not end after %v", p.name, s)
	}
}

func (p *process) current() *run {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run
}

// awaitLog returns what the pattern's first group, or the pattern, matches in what this run of the program wrote. It
// fails the test when the program ends instead.
func (p *process) awaitLog(pattern string) string {
	p.t.Helper()
	re, r := regexp.MustCompile(pattern), p.current()
	var found []string
	if !poll(patience, func() bool {
		ended := !r.Running()
		found = re.FindStringSubmatch(p.output())
		return found != nil || ended
	}) || found == nil {
		require.FailNow(p.t, "no sign of life", "%s does not write %s; it wrote:\n%s", p.name, pattern, lastOf(p.log, tail))
	}
	return found[len(found)-1]
}

// awaitExit returns the exit status of a program that ends by itself.
func (p *process) awaitExit() int {
	p.t.Helper()
	r := p.current()
	select {
	case <-r.Exited():
	case <-time.After(patience):
		require.FailNow(p.t, "still running", "%s wrote:\n%s", p.name, lastOf(p.log, tail))
	}
	return r.Code()
}

// output is what this run of the program has written so far.
func (p *process) output() string {
	text, err := os.ReadFile(p.log)
	require.NoError(p.t, err)
	return string(text[p.current().from:])
}

// poll looks at the condition until it holds, and says whether it did in time. Unlike require.Eventually it looks at once,
// in this goroutine.
func poll(within time.Duration, condition func() bool) bool {
	for deadline := time.Now().Add(within); ; time.Sleep(pollEvery) { //nolint:forbidigo // this is the condition with a deadline
		if condition() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// eventually fails the test if the condition does not come to hold.
func eventually(t testing.TB, condition func() bool, what string, args ...any) {
	t.Helper()
	require.True(t, poll(patience, condition), "never came true: "+fmt.Sprintf(what, args...))
}

func lastOf(file string, limit int) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	if len(text) > limit {
		text = text[bytes.IndexByte(text[len(text)-limit:], '\n')+len(text)-limit+1:]
	}
	return strings.TrimSpace(string(text))
}

// workDir is a directory for the files of a test's processes. Its path is short, as a Unix socket needs it; that of
// t.TempDir, which holds the name of the test, often is not.
func workDir(t testing.TB) string {
	t.Helper()
	keep := os.Getenv("SLIPWAY_E2E_DIR")
	if keep != "" {
		require.NoError(t, os.MkdirAll(keep, 0o700))
	}
	dir, err := os.MkdirTemp(keep, "slipway-") //nolint:usetesting // a directory that may be kept
	require.NoError(t, err)
	if keep != "" {
		t.Logf("files are kept in %s", dir)
		return dir
	}
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}
