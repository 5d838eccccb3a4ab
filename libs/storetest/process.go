package storetest

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is `slipway-standalone store` on one directory and address.
type process struct {
	binary  string
	dir     string
	address string

	running *os.Process   // nil when it does not run
	gone    chan struct{} // closed when running is gone
}

func newProcess(t testing.TB) *process {
	t.Helper()
	binary, err := buildOnce()
	if err != nil {
		t.Fatalf("build the embedded store: %v", err)
	}
	// t.TempDir is named after the test and soon too long for a socket.
	socketDir, err := os.MkdirTemp("", "store-") //nolint:usetesting // see above
	if err != nil {
		t.Fatalf("directory for the store's socket: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(socketDir) })
	return &process{
		binary:  binary,
		dir:     t.TempDir(),
		address: "unix:" + filepath.Join(socketDir, "store.sock"),
	}
}

// start runs the process and returns the URI that it announces.
func (p *process) start(t testing.TB) (uri string) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(p.binary, "store", "--dir", p.dir, "--listen", p.address)
	cmd.Stderr = &stderr
	// The store dies with the test process, however that ends.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatalf("start the embedded store: %v", err)
	}
	started, announced := make(chan error), make(chan string, 1)
	p.gone = make(chan struct{})
	go func(gone chan struct{}) {
		// Pdeathsig counts the death of the thread that started the process: this
		// goroutine keeps that thread for as long as the process lives.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			line, _ := bufio.NewReader(stdout).ReadString('\n')
			announced <- line
			_ = cmd.Wait() // it is killed: that is no news
		}
		close(gone)
	}(p.gone)
	if err := <-started; err != nil {
		t.Fatalf("start the embedded store: %v", err)
	}
	p.running = cmd.Process

	select {
	case line := <-announced:
		uri, ok := strings.CutPrefix(strings.TrimSpace(line), "store ready ")
		if !ok {
			p.kill()
			t.Fatalf("the embedded store did not start: it said %q and\n%s", line, stderr.String())
		}
		return uri
	case <-time.After(patience):
		p.kill()
		t.Fatalf("the embedded store is not ready after %v:\n%s", patience, stderr.String())
		return ""
	}
}

// kill ends the process, if it runs, and waits until it is gone.
func (p *process) kill() {
	if p.running == nil {
		return
	}
	_ = p.running.Kill()
	<-p.gone
	p.running = nil
}
