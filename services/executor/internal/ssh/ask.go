package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	gossh "golang.org/x/crypto/ssh"
)

// maxAnswer is how many bytes Ask takes from a socket.
const maxAnswer = 1 << 20

// Ask connects to a UNIX socket on the host, sends the question and returns all that comes back until the other side
// closes. Nothing is needed on the host but the socket, and an sshd that forwards to it as OpenSSH does unless told not
// to.
//
// Errors are ErrRefused, ErrStalled and ErrConnectionLost, or ctx's. After any error the question may have arrived.
func (c *Client) Ask(ctx context.Context, socket, question string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := c.enter(); err != nil {
		return "", err
	}
	type result struct {
		answer string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		answer, err := c.ask(ctx, socket, question)
		c.leave() // first: whoever learns that it is over finds the connection idle
		done <- result{answer, err}
	}()
	select {
	case r := <-done:
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return r.answer, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func (c *Client) ask(ctx context.Context, socket, question string) (string, error) {
	conn, err := c.conn.Dial("unix", socket)
	if err != nil {
		return "", c.socketError(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		stop()
		_ = conn.Close() // the answer is here, or is not to be had
	}()
	if ctx.Err() != nil { // whoever has lost the right to ask must not
		return "", ctx.Err()
	}
	return exchange(conn, question)
}

func exchange(conn net.Conn, question string) (string, error) {
	if _, err := io.WriteString(conn, question); err != nil {
		return "", fmt.Errorf("%w: while a socket was written to", ErrConnectionLost)
	}
	answer, err := io.ReadAll(io.LimitReader(conn, maxAnswer+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: while a socket was read", ErrConnectionLost)
	case len(answer) > maxAnswer:
		return "", fmt.Errorf("%w: the socket says more than %d bytes", ErrRefused, maxAnswer)
	}
	return string(answer), nil
}

func (c *Client) socketError(err error) error {
	var refused *gossh.OpenChannelError
	switch {
	case !errors.As(err, &refused):
		return c.lost()
	case refused.Reason == gossh.Prohibited:
		return fmt.Errorf("%w: its sshd does not forward to sockets", ErrRefused)
	}
	return fmt.Errorf("%w: nobody listens at the socket, or this login may not use it", ErrRefused)
}
