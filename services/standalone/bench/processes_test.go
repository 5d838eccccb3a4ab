//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds each wait. A machine under load is no reason to fail.
const patience = 2 * time.Minute

// build makes programs of the modules, as their releases are made but for the
// tag.
func build(t *testing.T, dir string, programs map[string]string) {
	t.Helper()
	for pkg, module := range programs {
		cmd := exec.Command("go", "build", "-tags", "bench", "-o", dir+string(filepath.Separator), pkg)
		cmd.Dir = filepath.Join("..", "..", module)
		said, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", pkg, said)
	}
}

// process is a program that runs until the test ends, or until it is told to
// stop.
type process struct {
	t    *testing.T
	name string
	log  string
	cmd  *exec.Cmd
	gone chan struct{}
}

func start(t *testing.T, dir, name, binary string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(dir, name+".log"), gone: make(chan struct{})}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	defer log.Close()
	p.cmd = exec.Command(filepath.Join(dir, binary), args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, log, log
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// Pdeathsig means the thread that forked: it must live for as long as the program does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.gone)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	require.NoError(t, <-started)
	t.Cleanup(p.stop)
	return p
}

// stop asks the program to end and returns when it has.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-p.gone:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		p.t.Errorf("%s does not stop", p.name)
	}
}

// says returns what the pattern's last group, or the pattern, matches in what
// the program writes.
func (p *process) says(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	var (
		text  []byte
		found []string
	)
	eventually(p.t, func() bool {
		var err error
		text, err = os.ReadFile(p.log)
		require.NoError(p.t, err)
		found = re.FindStringSubmatch(string(text))
		return found != nil
	}, func() string { return fmt.Sprintf("%s writes no %s but:\n%s", p.name, pattern, text) })
	return found[len(found)-1]
}

// eventually returns once the condition holds, and fails the test with what is
// so instead if that takes too long.
func eventually(t *testing.T, condition func() bool, instead func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // this is the condition with a deadline
		if time.Now().After(deadline) {
			require.FailNow(t, "gave up waiting", "%s", instead())
		}
	}
}

// tick is the unit in which Linux counts the time of processes.
const tick = time.Second / 100

// cpu is the time that the program has had on any core.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	require.NoError(p.t, err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const user, system = 11, 12 // counted from the state, which follows the name
	ticks := 0
	for _, at := range []int{user, system} {
		n, err := strconv.Atoi(fields[at])
		require.NoError(p.t, err)
		ticks += n
	}
	return time.Duration(ticks) * tick
}

// peak is the most memory that the program has held since forget, in MiB.
func (p *process) peak() float64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	require.NoError(p.t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(p.t, found)
	kb, err := strconv.Atoi(string(found[1]))
	require.NoError(p.t, err)
	return float64(kb) / 1024
}

// forget lets the peak begin anew.
func (p *process) forget() {
	p.t.Helper()
	const peakOnly = "5"
	require.NoError(p.t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte(peakOnly), 0o200))
}
