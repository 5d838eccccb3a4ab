package jobs

import (
	"context"
	"io"
	"net"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
)

// Host is a connection to a host, logged in.
type Host interface {
	// Run runs a command of hostcmd, whose content stdin holds, and returns what it
	// reported. Errors are those of hosts.Host.
	Run(ctx context.Context, c hostcmd.Command, stdin io.Reader) (hostcmd.Output, error)
	// Perform is Run for something of the user, whose stdout and stderr it passes on
	// while it runs.
	Perform(ctx context.Context, c hostcmd.Command, stdin io.Reader, stdout, stderr io.Writer) (hostcmd.Output, error)
	// Ask sends a question to a UNIX socket on the host and returns all of the answer.
	// Errors are those of hosts.Host.
	Ask(ctx context.Context, socket, question string) (string, error)
	// Connect connects to a TCP address from the host. Errors are those of hosts.Host.
	Connect(ctx context.Context, address string) (net.Conn, error)
	// Hide hides secrets in what commands say from now on.
	Hide(m *mask.Mask)
	Close() error
}

// Dial connects to the host of a job. Errors are those of hosts.Dialer.
type Dial func(ctx context.Context, t contract.Target) (Host, error)
