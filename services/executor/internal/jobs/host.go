package jobs

import (
	"context"
	"io"
	"net"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// Host is a connection to a host, logged in.
type Host interface {
	// Run runs a command line of hostcmd and returns what it reported. Errors are
	// those of hosts.Host.
	Run(ctx context.Context, line string, stdin io.Reader) (hostcmd.Output, error)
	// Ask sends a question to a UNIX socket on the host and returns all of the answer.
	// Errors are those of hosts.Host.
	Ask(ctx context.Context, socket, question string) (string, error)
	// Connect connects to a TCP address from the host. Errors are those of hosts.Host.
	Connect(ctx context.Context, address string) (net.Conn, error)
	Close() error
}

// Dial connects to the host of a job. Errors are those of hosts.Dialer.
type Dial func(ctx context.Context, t contract.Target) (Host, error)
