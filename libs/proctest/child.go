// Package proctest runs real programs for tests, such that none outlives the
// tests, however those end.
package proctest

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Child is a program that was started. Its methods may be called from any
// goroutine.
type Child struct {
	process *os.Process
	exited  chan struct{}
	code    int // valid once exited is closed
}

// Start runs a command and reaps it when it ends: the caller does not wait for
// it. Beside what its SysProcAttr asks for, the kernel kills it when the process
// of the tests dies.
func Start(cmd *exec.Cmd) (*Child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	c := &Child{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Pdeathsig means the thread that forked: it must live for as long as the program does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(c.exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its exit status
			c.code = cmd.ProcessState.ExitCode()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	c.process = cmd.Process
	return c, nil
}

// PID is the process id. Once the program has ended it may be that of another.
func (c *Child) PID() int { return c.process.Pid }

// Exited is closed when the program has ended and is reaped, and all that it
// wrote has been read.
func (c *Child) Exited() <-chan struct{} { return c.exited }

// Running is false for a program that was never started, nil, and for one that
// has ended.
func (c *Child) Running() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.exited:
		return false
	default:
		return true
	}
}

// Code waits for the program to end and returns its exit status: -1 after a
// signal.
func (c *Child) Code() int {
	<-c.exited
	return c.code
}

// Signal sends a signal. It fails with os.ErrProcessDone where the program has
// ended.
func (c *Child) Signal(s syscall.Signal) error { return c.process.Signal(s) }

// Kill ends the program with SIGKILL, if it runs, and returns when it is gone.
func (c *Child) Kill() {
	if c.Running() {
		_ = c.Signal(syscall.SIGKILL) // fails only if it has ended
		<-c.exited
	}
}
