package hosttest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

// patience bounds each wait for a process. It is long because a machine under load is no reason to fail; a wait ends
// as soon as what it waits for is so.
const patience = 30 * time.Second

// pollEvery is the pause between two looks at a condition that cannot be waited for.
const pollEvery = 2 * time.Millisecond

// daemon is one run of sshd.
type daemon struct {
	pid    int
	exited chan struct{} // closed when the process has ended and is reaped
}

// running is false for a daemon that was never started, nil, and for one that has ended by itself: its pid may belong to
// another process by now.
func (d *daemon) running() bool {
	if d == nil {
		return false
	}
	select {
	case <-d.exited:
		return false
	default:
		return true
	}
}

func (h *Host) startDaemon() (*daemon, error) {
	// The log is a file and not a pipe: sessions inherit it, and a pipe would be open for as long as one of them runs.
	log, err := os.OpenFile(h.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	argv := []string{h.sshd, "-D", "-e", "-f", h.path("sshd_config")}
	attributes := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if h.hasShadow() {
		argv = append(shadowMount(h.path("shadow")), argv...)
		attributes.Unshareflags = syscall.CLONE_NEWNS // Go makes the mounts private then
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stderr, cmd.SysProcAttr = h.dir, log, attributes

	d := &daemon{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig means the thread that forked, not the process: this thread must live for as long as sshd does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(d.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		if h.hasShadow() && errors.Is(err, syscall.EPERM) {
			return nil, fmt.Errorf("a private /etc/shadow needs the right to mount (CAP_SYS_ADMIN): %w", err)
		}
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	d.pid = cmd.Process.Pid
	return d, nil
}

// awaitGreeting returns when a connection is answered with SSH's banner.
func (d *daemon) awaitGreeting(addr string, port int) error {
	deadline := time.Now().Add(patience)
	for {
		err := readBanner(net.JoinHostPort(addr, strconv.Itoa(port)), deadline)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("sshd does not greet: %w", err)
		}
		select {
		case <-d.exited:
			return errors.New("sshd ended at once")
		case <-time.After(pollEvery):
		}
	}
}

func readBanner(address string, deadline time.Time) error {
	dialer := net.Dialer{Deadline: deadline}
	conn, err := dialer.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	banner := make([]byte, len("SSH-2.0-"))
	if _, err := io.ReadFull(conn, banner); err != nil {
		return err
	}
	if string(banner) != "SSH-2.0-" {
		return fmt.Errorf("%q is not the banner of an SSH server", banner)
	}
	return nil
}

// killAll kills every process of the hosts and returns when they are gone.
func killAll(hosts []*Host) error {
	family, err := freezeAll(hosts)
	if err != nil {
		return err
	}
	if err := signalAll(family, killSignal); err != nil {
		return err
	}
	for _, h := range hosts {
		if h.daemon == nil {
			continue
		}
		select {
		case <-h.daemon.exited:
			h.daemon = nil
		case <-time.After(patience):
			return fmt.Errorf("%s: sshd outlives SIGKILL", h.Name)
		}
	}
	return awaitGone(family)
}
