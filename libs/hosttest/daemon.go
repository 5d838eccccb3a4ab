package hosttest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/slipway-deploy/slipway/libs/proctest"
)

// patience bounds each wait for a process. It is long because a machine under load is no reason to fail; a wait ends
// as soon as what it waits for is so.
const patience = time.Minute

// pollEvery is the pause between two looks at a condition that cannot be waited for.
const pollEvery = 2 * time.Millisecond

// startDaemon runs sshd.
func (h *Host) startDaemon() (*proctest.Child, error) {
	// The log is a file and not a pipe: sessions inherit it, and a pipe would be open for as long as one of them runs.
	log, err := os.OpenFile(h.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()

	argv := []string{h.sshd, "-D", "-e", "-f", h.path("sshd_config")}
	attributes := &syscall.SysProcAttr{}
	switch {
	case h.opts.root:
		var enter []string
		enter, attributes = h.rootCommand()
		argv = append(enter, argv...)
	case h.hasShadow():
		argv = append(shadowMount(h.path("shadow")), argv...)
		attributes.Unshareflags = syscall.CLONE_NEWNS // Go makes the mounts private then
	}
	cgroup, err := h.openCgroup()
	if err != nil {
		return nil, err
	}
	if cgroup != nil {
		defer cgroup.Close()
		attributes.UseCgroupFD, attributes.CgroupFD = true, int(cgroup.Fd())
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stderr, cmd.SysProcAttr = h.dir, log, attributes
	child, err := proctest.Start(cmd)
	switch {
	case err != nil && h.hasShadow() && errors.Is(err, syscall.EPERM):
		return nil, fmt.Errorf("a private /etc/shadow needs the right to mount (CAP_SYS_ADMIN): %w", err)
	case err != nil:
		return nil, fmt.Errorf("start sshd: %w", err)
	}
	return child, nil
}

// awaitGreeting returns when a connection is answered with SSH's banner.
func awaitGreeting(d *proctest.Child, addr string, port int) error {
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
		case <-d.Exited():
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
		case <-h.daemon.Exited():
			h.daemon = nil
		case <-time.After(patience):
			return fmt.Errorf("%s: sshd outlives SIGKILL", h.Name)
		}
	}
	return awaitGone(family)
}
