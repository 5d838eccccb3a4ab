package hosts

import (
	"context"
	"io"
	"net"

	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// Host is a connection to a host, logged in.
type Host struct {
	client  *ssh.Client
	release func()
}

// Close gives the connection back, for whoever needs it next. If it broke, or
// something is still under way on it, it is ended, and with it what runs there.
// Nothing may be done with the host after it.
func (h *Host) Close() error {
	h.release()
	return nil
}

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

// Run runs a command line of hostcmd on the host and returns what it reported.
// Errors are those of ssh.Client.Run, ErrKilled, and those of hostcmd.Check and
// stdin.
func (h *Host) Run(ctx context.Context, line string, stdin io.Reader) (hostcmd.Output, error) {
	var out hostcmd.Output
	res, err := h.client.Run(ctx, ssh.Command{Line: line, Stdin: stdin, Stdout: func(text string) {
		if r, ok := hostcmd.ParseLine(text); ok {
			out.Results = append(out.Results, r)
		}
	}})
	if err != nil {
		return out, err
	}
	if res.Signal != "" { // killed: by a newer attempt, by an operator, or for want of memory
		return out, ErrKilled
	}
	return out, hostcmd.Check(res.ExitStatus, res.Stderr)
}
