package demohost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// command is one command line in a process group of its own.
type command struct {
	process        *os.Process
	stdin          io.WriteCloser
	stdout, stderr io.ReadCloser

	mu     sync.Mutex
	waited bool // the shell has ended
	killed bool
}

func startCommand(cfg Config, user, line string) (*command, error) {
	shell := exec.CommandContext(context.Background(), "sh", "-c", line) // kill ends it, and not it alone
	shell.Dir = cfg.Dir
	shell.Env = []string{
		"HOME=" + cfg.Dir, "PWD=" + cfg.Dir, "USER=" + user, "LOGNAME=" + user, "SHELL=/bin/sh",
		"PATH=" + cmp.Or(os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin"),
	}
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: cfg.RunAs}
	stdin, err1 := shell.StdinPipe()
	stdout, err2 := shell.StdoutPipe()
	stderr, err3 := shell.StderrPipe()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("start a command: %w", err)
	}
	if err := shell.Start(); err != nil {
		return nil, fmt.Errorf("start a command: %w", err)
	}
	return &command{process: shell.Process, stdin: stdin, stdout: stdout, stderr: stderr}, nil
}

// wait returns how the shell ended. Its output may go on after it.
func (c *command) wait() syscall.WaitStatus {
	state, err := c.process.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited = true
	if err != nil {
		return syscall.WaitStatus(syscall.SIGKILL) // not our child any more: nothing better is known
	}
	return state.Sys().(syscall.WaitStatus)
}

// signal sends a signal to the whole group, as a terminal does.
func (c *command) signal(number syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waited {
		return os.ErrProcessDone
	}
	return syscall.Kill(-c.process.Pid, number)
}

// kill ends the group and this side of its pipes. After the shell has ended its number may only be used while the group
// has other members; it is used at most once more, a moment later, when no other group can have come to it yet.
func (c *command) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return
	}
	c.killed = true
	_ = syscall.Kill(-c.process.Pid, syscall.SIGKILL)
	// A process that has left the group may hold the other ends for ever.
	_, _, _ = c.stdin.Close(), c.stdout.Close(), c.stderr.Close()
}
