package storetest

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// process is `slipway-standalone store` on one directory and address.
type process struct {
	binary  string
	dir     string
	address string

	child *proctest.Child // nil before it is started
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
	stdout, write, err := os.Pipe()
	if err != nil {
		t.Fatalf("start the embedded store: %v", err)
	}
	cmd.Stdout = write
	child, err := proctest.Start(cmd)
	_ = write.Close() // the store has it
	if err != nil {
		t.Fatalf("start the embedded store: %v", err)
	}
	p.child = child
	announced := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(stdout).ReadString('\n')
		announced <- line
		<-child.Exited()
		_ = stdout.Close() // not before: a program whose output nobody can read is killed
	}()
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
func (p *process) kill() { p.child.Kill() }
