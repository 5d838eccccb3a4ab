package hosttest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// Host is one sshd. Its exported fields are to be read only. HostKey and HostKeys change in ReplaceHostKey, the others
// never.
type Host struct {
	Name          string          // unique in the test's process, e.g. "host-7"
	Addr          string          // an IPv4 address of loopback
	Port          int             // the same over Stop and Start
	User          string          // the user who runs the test
	Password      string          // empty without WithPassword
	Home          string          // HOME of every session, an absolute path
	HostKey       string          // the first host key as a line of authorized_keys, without a newline
	HostKeys      []ssh.PublicKey // all host keys, in the order of WithHostKeys
	PrivateKeyPEM []byte          // the client's key, in OpenSSH's format, without a passphrase

	t       testing.TB
	dir     string
	opts    options
	sshd    string // path of the program
	hold    *reservation
	mounted bool

	mu     sync.Mutex      // held while a method runs
	daemon *proctest.Child // sshd; nil while stopped
}

// Start runs the host again after Stop, with the same address, port, keys and home. It returns when the host greets.
func (h *Host) Start() {
	h.t.Helper()
	h.run("start", func() error {
		if h.daemon.Running() {
			return errors.New("it is running already")
		}
		return h.launch()
	})
}

// Stop kills the sshd, its sessions and what they run with SIGKILL, and returns when all of them are gone. Connecting
// is refused from then on. Stopping a stopped host does nothing.
func (h *Host) Stop() {
	h.t.Helper()
	h.run("stop", func() error { return killAll([]*Host{h}) })
}

// Freeze stops every process of the host with SIGSTOP and returns when all of them stand. The kernel still accepts and
// acknowledges what is sent, as that of a hung host does: only answers are missing.
func (h *Host) Freeze() {
	h.t.Helper()
	h.run("freeze", func() error {
		_, err := freezeAll([]*Host{h})
		return err
	})
}

// Thaw lets a frozen host go on where it stood.
func (h *Host) Thaw() {
	h.t.Helper()
	h.run("thaw", func() error {
		table, err := readProcesses()
		if err != nil {
			return err
		}
		return signalAll(table.family([]*Host{h}), continueSignal)
	})
}

// KillSessions kills every session and all that it runs with SIGKILL, and returns when they are gone. The host goes on
// to accept connections.
func (h *Host) KillSessions() {
	h.t.Helper()
	h.run("kill the sessions", h.killSessions)
}

// ReplaceHostKey restarts the host with new host keys of the same types, as a reinstalled machine comes back.
func (h *Host) ReplaceHostKey() {
	h.t.Helper()
	h.run("replace the host key", func() error {
		if err := killAll([]*Host{h}); err != nil {
			return err
		}
		if err := h.writeHostKeys(); err != nil {
			return err
		}
		return h.launch()
	})
}

// Commands returns how many commands the host was asked to run so far, each in a channel of its own.
func (h *Host) Commands() int {
	h.t.Helper()
	log, err := os.ReadFile(h.path("log"))
	if err != nil {
		h.t.Errorf("hosttest: %s: count the commands: %v", h.Name, err)
	}
	return strings.Count(string(log), "\nStarting session: ")
}

// run serialises the methods of a host and reports what goes wrong. Errorf, unlike Fatal, may be called from any
// goroutine; tests of chaos call these methods from goroutines of their own.
func (h *Host) run(what string, do func() error) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := do(); err != nil {
		h.t.Errorf("hosttest: %s: %s: %v", h.Name, what, err)
	}
}

func (h *Host) launch() error {
	d, err := h.startDaemon()
	if err != nil {
		return err
	}
	h.daemon = d
	if err := awaitGreeting(d, h.Addr, h.Port); err != nil {
		return fmt.Errorf("%w; its log ends with:\n%s", err, h.logTail(2<<10))
	}
	return nil
}

func (h *Host) killSessions() error {
	if !h.daemon.Running() {
		return errors.New("it is stopped")
	}
	family, err := freezeAll([]*Host{h})
	if err != nil {
		return err
	}
	// The daemon goes on only when its sessions are dead, so that the set that was frozen is the set that is killed.
	sessions := family[:0:0]
	for _, p := range family {
		if p.pid != h.daemon.PID() {
			sessions = append(sessions, p)
		}
	}
	if err := signalAll(sessions, killSignal); err != nil {
		return err
	}
	if err := awaitGone(sessions); err != nil {
		return err
	}
	return signalAll([]process{{pid: h.daemon.PID()}}, continueSignal)
}

// Log returns what sshd has written so far: who logged in, and who was refused and why.
func (h *Host) Log() string {
	h.t.Helper()
	text, err := os.ReadFile(h.path("log"))
	if err != nil {
		h.t.Errorf("hosttest: %s: read the log: %v", h.Name, err)
	}
	return string(text)
}

// logTail returns at most the last limit bytes of what sshd has written.
func (h *Host) logTail(limit int64) string {
	f, err := os.Open(h.path("log"))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil {
		_, _ = f.Seek(max(0, size-limit), io.SeekStart)
	}
	text, _ := io.ReadAll(io.LimitReader(f, limit))
	return strings.TrimSpace(string(text))
}

func (h *Host) path(name string) string { return filepath.Join(h.dir, name) }
