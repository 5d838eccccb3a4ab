package demohost

import (
	"io"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// session is one channel, which runs at most one command.
type session struct {
	host    *Host
	user    string
	channel ssh.Channel
	command *command // nil before it is started
}

// serve answers the channel's requests until it is closed by either side, and then clears up.
func (s *session) serve(requests <-chan *ssh.Request) {
	var running sync.WaitGroup
	for request := range requests {
		switch request.Type {
		case "exec":
			ok := s.start(request.Payload)
			_ = request.Reply(ok, nil)
			if ok {
				running.Go(s.attend)
			}
		case "signal":
			_ = request.Reply(s.signal(request.Payload), nil)
		default:
			_ = request.Reply(false, nil)
		}
	}
	if s.command != nil {
		s.command.kill()
	}
	_ = s.channel.Close()
	running.Wait()
}

func (s *session) start(payload []byte) bool {
	var exec struct{ Line string }
	if s.command != nil || ssh.Unmarshal(payload, &exec) != nil {
		return false
	}
	c, err := startCommand(s.host.cfg, s.user, exec.Line)
	if err != nil {
		return false
	}
	s.command = c
	return true
}

// attend moves the command's input and output, and reports its end. Output is read to its end first, as by sshd: a
// process in the background that holds it keeps the channel open.
func (s *session) attend() {
	var output sync.WaitGroup
	output.Go(func() { _, _ = io.Copy(s.channel, s.command.stdout) })
	output.Go(func() { _, _ = io.Copy(s.channel.Stderr(), s.command.stderr) })
	var input sync.WaitGroup
	input.Go(s.feed)

	state := s.command.wait()
	output.Wait()
	s.report(state)
	_ = s.channel.Close()
	s.command.kill()
	input.Wait()
}

// feed gives the command its input. What a command does not want is read nevertheless: the client would wait with
// everything else until there is room.
func (s *session) feed() {
	_, _ = io.Copy(s.command.stdin, slowed(s.channel, s.host.cfg.Rate))
	_ = s.command.stdin.Close()
	_, _ = io.Copy(io.Discard, s.channel)
}

// report tells the client how the command ended. A signal that SSH has no name for is told as a shell tells it.
func (s *session) report(state syscall.WaitStatus) {
	status := uint32(state.ExitStatus())
	if state.Signaled() {
		if name, ok := nameOf(state.Signal()); ok {
			end := struct {
				Name              string
				Dumped            bool
				Message, Language string
			}{Name: name}
			_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(&end))
			return
		}
		status = 128 + uint32(state.Signal())
	}
	_, _ = s.channel.SendRequest("exit-status", false, ssh.Marshal(&struct{ Status uint32 }{status}))
}

func (s *session) signal(payload []byte) bool {
	var wanted struct{ Name string }
	if s.command == nil || ssh.Unmarshal(payload, &wanted) != nil {
		return false
	}
	number, known := signals[wanted.Name]
	return known && s.command.signal(number) == nil
}

// signals are those of RFC 4254, section 6.10.
var signals = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP,
	"ILL": syscall.SIGILL, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE,
	"QUIT": syscall.SIGQUIT, "SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

func nameOf(number syscall.Signal) (string, bool) {
	for name, n := range signals {
		if n == number {
			return name, true
		}
	}
	return "", false
}
