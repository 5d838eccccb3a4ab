//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/proctest"
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
	*proctest.Child
	t    *testing.T
	name string
	log  string
}

func start(t *testing.T, dir, name, binary string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, log: filepath.Join(dir, name+".log")}
	log, err := os.Create(p.log)
	require.NoError(t, err)
	defer log.Close()
	cmd := exec.Command(filepath.Join(dir, binary), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}
	p.Child, err = proctest.Start(cmd)
	require.NoError(t, err)
	t.Cleanup(p.stop)
	return p
}

// stop asks the program to end and returns when it has.
func (p *process) stop() {
	p.t.Helper()
	_ = p.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-p.Exited():
	case <-time.After(patience):
		p.Kill()
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
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.PID()))
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
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
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
	require.NoError(p.t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte(peakOnly), 0o200))
}
