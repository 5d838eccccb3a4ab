package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// Dial is the function Dial, with this client's host as the jump host: it forwards bytes, and sees neither the login nor
// what is said. No agent goes with it. The new Client ends with this one.
//
// Further errors are ErrForwarding, and ErrConnectionLost and ErrStalled where it is this client's connection that broke.
func (c *Client) Dial(ctx context.Context, t Target, o Options) (*Client, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	return dial(ctx, t, o, c.connect)
}

// connect is a connector.
func (c *Client) connect(ctx context.Context, endpoint string, timeout time.Duration) (net.Conn, error) {
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := c.conn.DialContext(within, "tcp", endpoint)
	if err == nil {
		return conn, nil
	}
	if ended := contextError(ctx); ended != nil {
		return nil, ended
	}
	var refused *gossh.OpenChannelError
	switch {
	case within.Err() != nil:
		return nil, fmt.Errorf("%w: the jump host could not connect to it in time", ErrUnreachable)
	case !errors.As(err, &refused):
		return nil, c.lost()
	case refused.Reason == gossh.Prohibited:
		return nil, ErrForwarding
	}
	return nil, fmt.Errorf("%w: %s, as the jump host says", ErrUnreachable, forwardReason(refused.Message))
}

// forwardReasons is what OpenSSH says of a connection that it could not make: the system's words, which are repeated only
// if they are among these.
var forwardReasons = []string{
	"Connection refused", "Connection timed out", "No route to host", "Network is unreachable",
	"Name or service not known", "Temporary failure in name resolution",
}

func forwardReason(said string) string {
	for _, known := range forwardReasons {
		if strings.EqualFold(said, known) {
			return strings.ToLower(known[:1]) + known[1:]
		}
	}
	return "no connection"
}
