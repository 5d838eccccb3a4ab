//go:build bench

package bench

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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

// cpu is the time that the program has had on any core.
func (p *process) cpu() time.Duration {
	p.t.Helper()
	used, err := p.CPU()
	require.NoError(p.t, err)
	return used
}

// peak is the most memory that the program has held since forget, in MiB.
func (p *process) peak() float64 { return p.status("VmHWM") }

// resident is the memory that the program holds, in MiB.
func (p *process) resident() float64 { return p.status("VmRSS") }

// status is a figure of the program's in MiB, by the name that the kernel gives it.
func (p *process) status(name string) float64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID()))
	require.NoError(p.t, err)
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(p.t, found)
	kb, err := strconv.Atoi(string(found[1]))
	require.NoError(p.t, err)
	return float64(kb) / 1024
}

// heapOf returns what is on the heap of a program after a collection, in bytes, as its profiles at this URL say.
func heapOf(t *testing.T, profiles string) float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, profiles+"heap?gc=1&debug=1", nil)
	require.NoError(t, err)
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	found := regexp.MustCompile(`# HeapAlloc = (\d+)`).FindSubmatch(text)
	require.NotNil(t, found, "%s", text)
	bytes, err := strconv.ParseFloat(string(found[1]), 64)
	require.NoError(t, err)
	return bytes
}

// forget lets the peak begin anew.
func (p *process) forget() {
	p.t.Helper()
	const peakOnly = "5"
	require.NoError(p.t, os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID()), []byte(peakOnly), 0o200))
}
