package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"

	gossh "golang.org/x/crypto/ssh"
)

// Connect connects to a TCP address from the host: localhost is the host itself, and names are looked up there. Nothing
// is needed on it but an sshd that forwards, as OpenSSH does unless told not to. The connection ends with the client.
//
// Errors are ErrNobody where nobody answers at the address, ErrRefused, ErrStalled and ErrConnectionLost, or ctx's.
func (c *Client) Connect(ctx context.Context, address string) (net.Conn, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.tasks.Done()
	conn, err := c.conn.DialContext(ctx, "tcp", address)
	var refused *gossh.OpenChannelError
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case !errors.As(err, &refused):
		return nil, c.lost()
	case refused.Reason == gossh.Prohibited:
		return nil, fmt.Errorf("%w: its sshd does not forward to addresses (AllowTcpForwarding)", ErrRefused)
	}
	return nil, fmt.Errorf("%w %s", ErrNobody, address)
}
