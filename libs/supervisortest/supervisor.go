package supervisortest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// patience bounds the wait for supervisord to start.
const patience = time.Minute

// Supervisor is a supervisord that runs.
type Supervisor struct {
	Socket string // of its XML-RPC
	Dir    string // with its configuration, supervisord.conf
	Conf   string // directory whose *.conf it includes
}

// Start runs a supervisord with these programs: a file of its configuration each, by
// name. Cleanup, of what they run too, is registered with t.
func Start(t testing.TB, programs map[string]string) *Supervisor {
	t.Helper()
	program, err := exec.LookPath("supervisord")
	if err != nil {
		t.Fatal("supervisortest needs supervisord: apt-get install supervisor")
	}
	dir, err := os.MkdirTemp("", "supervisor") //nolint:usetesting // its path may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &Supervisor{Socket: filepath.Join(dir, "sock"), Dir: dir, Conf: filepath.Join(dir, "conf.d")}
	s.write(t, filepath.Join(dir, "supervisord.conf"), "[unix_http_server]\nfile="+s.Socket+"\n"+
		"[supervisord]\nnodaemon=true\nlogfile="+dir+"/log\npidfile="+dir+"/pid\nchildlogdir="+dir+"\n"+
		"[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"+
		"[include]\nfiles="+s.Conf+"/*.conf\n")
	if err := os.Mkdir(s.Conf, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range programs {
		s.write(t, filepath.Join(s.Conf, name), content)
	}
	cmd := exec.Command(program, "-c", filepath.Join(dir, "supervisord.conf"))
	child, err := proctest.Start(cmd)
	if err != nil {
		t.Fatalf("start supervisord: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it ends its programs, which kill would leave behind
		select {
		case <-child.Exited():
		case <-time.After(patience):
		}
		child.Kill()
	})
	for deadline := time.Now().Add(patience); ; {
		if conn, err := net.Dial("unix", s.Socket); err == nil { //nolint:noctx // on this machine
			_ = conn.Close()
			return s
		}
		select {
		case <-child.Exited():
		case <-time.After(2 * time.Millisecond):
			if time.Now().Before(deadline) {
				continue
			}
		}
		words, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatalf("supervisord does not start:\n%s", words)
	}
}

func (s *Supervisor) write(t testing.TB, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
