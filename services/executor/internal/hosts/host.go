package hosts

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// leaveWait bounds how long Close waits for a shell to end, so that the connection can
// be kept for others.
const leaveWait = 2 * time.Second

// Host is a connection to a host, logged in. It is for one goroutine at a time, but for
// commands without a fence.
type Host struct {
	client  *ssh.Client
	release func()
	session *session // nil: none is open
	mask    *mask.Mask
	uncut   bool // a session has told that content must be the last of it
}

// Close ends the session and gives the connection back, for whoever needs it next. If
// it broke, or something is still under way on it, it is ended, and with it what runs
// there. Nothing may be done with the host after it.
func (h *Host) Close() error {
	if h.session != nil {
		ctx, cancel := context.WithTimeout(context.Background(), leaveWait)
		h.session.leave(ctx)
		cancel()
	}
	h.release()
	if h.session != nil {
		<-h.session.ended
	}
	return nil
}

// Hide hides secrets in what commands say from now on: in the errors of Run. What they
// report is theirs.
func (h *Host) Hide(m *mask.Mask) { h.mask = m }

// Ask sends a question to a UNIX socket on the host and returns the answer. Errors
// are those of ssh.Client.Ask.
func (h *Host) Ask(ctx context.Context, socket, question string) (string, error) {
	return h.client.Ask(ctx, socket, question)
}

// Connect connects to a TCP address from the host. Errors are those of
// ssh.Client.Connect.
func (h *Host) Connect(ctx context.Context, address string) (net.Conn, error) {
	return h.client.Connect(ctx, address)
}

// Run runs a command of hostcmd on the host and returns what it reported. Stdin
// holds its content, if it takes any. Commands of one fence go to the host in one
// session: each costs a round trip, and the first the session's start; one that was asked
// for along with another (hostcmd.Command.AndThen) costs none. A session at rest is ended
// after a moment, as it keeps others from the host.
//
// Errors are those of ssh.Client.Run, ErrKilled, and those of hostcmd.Check and
// stdin. After one of hostcmd.Check the command has ended; after any other it may
// still be running, until the next one of the same token ends it.
func (h *Host) Run(ctx context.Context, c hostcmd.Command, stdin io.Reader) (hostcmd.Output, error) {
	return h.run(ctx, c, stdin, streams{})
}

// Perform is Run for a command that performs a task of the user, and passes on what that
// writes to its stdout and stderr, as it comes: each by a goroutine of its own, and not
// after Perform has returned. The task waits while it is passed on. Of hostcmd.Prepare,
// it passes on what its tools say, line by line, as stderr.
func (h *Host) Perform(ctx context.Context, c hostcmd.Command, stdin io.Reader, stdout, stderr io.Writer) (hostcmd.Output, error) {
	return h.run(ctx, c, stdin, streams{stdout, stderr})
}

func (h *Host) run(ctx context.Context, c hostcmd.Command, stdin io.Reader, said streams) (hostcmd.Output, error) {
	if err := ctx.Err(); err != nil {
		return hostcmd.Output{}, err
	}
	if c.Fence.Token == 0 {
		return h.runAlone(ctx, c)
	}
	if h.session != nil && !h.session.takes(c) {
		h.session.leave(ctx)
		h.session = nil
	}
	if c.Size > 0 && h.uncut {
		c.Size = hostcmd.UntilEnd
	}
	if h.session == nil {
		h.session = begin(ctx, h.client, c, said, h.mask)
	}
	out, err := h.session.ask(ctx, c, stdin)
	_, uncut := out.Get(hostcmd.KeyUncut)
	h.uncut = h.uncut || uncut
	return out, err
}

// runAlone runs a command that needs no session.
func (h *Host) runAlone(ctx context.Context, c hostcmd.Command) (hostcmd.Output, error) {
	var out hostcmd.Output
	res, err := h.client.Run(ctx, ssh.Command{Line: c.Line(), Stdout: func(text string) {
		if r, ok := hostcmd.ParseLine(text); ok {
			out.Results = append(out.Results, r)
		}
	}})
	return out, verdict(res, err)
}

// verdict is what the end of a command line says of what it was to do.
func verdict(res ssh.Result, err error) error {
	if err != nil {
		return err
	}
	if res.Signal != "" { // killed: by a newer attempt, by an operator, or for want of memory
		return ErrKilled
	}
	return hostcmd.Check(res.ExitStatus, res.Stderr)
}
