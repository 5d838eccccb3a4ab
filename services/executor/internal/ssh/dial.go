package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// Dial connects to a host, checks its key and logs in. Its errors are those of errors.go, or ctx's if ctx ends first.
// Once it has returned, ctx does not matter to the Client.
func Dial(ctx context.Context, t Target, o Options) (*Client, error) {
	return dial(ctx, t, o, connect)
}

// connector opens the connection that a handshake goes over.
type connector func(ctx context.Context, endpoint string, timeout time.Duration) (net.Conn, error)

func dial(ctx context.Context, t Target, o Options, connect connector) (*Client, error) {
	o = o.withDefaults()
	check, err := newHostKeyCheck(t)
	if err != nil {
		return nil, err
	}
	agreeable, err := newSuite(t.LegacyAlgorithms)
	if err != nil {
		return nil, err
	}
	check.legacy = agreeable.hostKeys
	credentials, err := newLogin(t.Auth, agreeable)
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, t.endpoint(), o.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	if o.Admit != nil {
		done, err := o.Admit(ctx)
		if err != nil {
			_ = conn.Close()
			return nil, err
		}
		defer done()
	}
	h := handshake{wire: &wire{Conn: conn}, suite: agreeable, check: check, login: credentials}
	client, err := h.run(ctx, t, o.ConnectTimeout)
	if err != nil {
		return nil, err
	}
	return newClient(client, h.wire, check.line(), o), nil
}

func connect(ctx context.Context, endpoint string, timeout time.Duration) (net.Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(ctx, "tcp", endpoint)
	if err == nil {
		return conn, nil
	}
	if ended := contextError(ctx); ended != nil {
		return nil, ended
	}
	return nil, fmt.Errorf("%w: %s", ErrUnreachable, networkReason(err))
}

// handshake is what happens between the TCP connect and the first command.
type handshake struct {
	wire  *wire
	suite suite
	check *hostKeyCheck
	login *login
}

// run closes the connection if it fails.
func (h *handshake) run(parent context.Context, t Target, timeout time.Duration) (*gossh.Client, error) {
	ctx, cancel := context.WithTimeout(parent, timeout)
	defer cancel()
	// The handshake knows nothing of contexts: closing the connection is what ends it.
	undisturbed := context.AfterFunc(ctx, func() { _ = h.wire.Close() })
	conn, channels, requests, err := gossh.NewClientConn(h.wire, t.endpoint(), &gossh.ClientConfig{
		Config:            h.suite.Config,
		User:              t.User,
		HostKeyCallback:   h.check.verify,
		HostKeyAlgorithms: h.check.algorithms(),
		ClientVersion:     "SSH-2.0-Slipway",
		AuthCallback: func(state *gossh.ClientAuthContext) (gossh.AuthMethod, error) {
			if err := h.wire.failure(); err != nil {
				return nil, err // nothing was refused: the next credential would only meet the same dead connection
			}
			return h.login.next(ctx, state)
		},
	})
	if err == nil && undisturbed() {
		return gossh.NewClient(conn, channels, requests), nil
	}
	_ = h.wire.Close()
	if ended := contextError(parent); ended != nil {
		return nil, ended
	}
	return nil, h.classify(ctx, err)
}

// classify says why the handshake failed. Order matters: what was found out for certain comes first.
func (h *handshake) classify(ctx context.Context, err error) error {
	var nothing *gossh.AlgorithmNegotiationError
	switch {
	case h.check.err() != nil:
		return h.check.err()
	case h.login.refuse != nil:
		return h.login.refuse
	case ctx.Err() != nil:
		return fmt.Errorf("%w: no answer in time during the handshake", ErrUnreachable)
	case h.wire.failure() != nil:
		return fmt.Errorf("%w: %s during the handshake", ErrUnreachable, networkReason(h.wire.failure()))
	case h.login.begun:
		// The host said goodbye in so many words, as OpenSSH does after too many attempts.
		return fmt.Errorf("%w: the host ended the login", ErrAuth)
	case errors.As(err, &nothing):
		return disagreement(nothing)
	default:
		return fmt.Errorf("%w: what answers is no SSH server", ErrIncompatible)
	}
}

// contextError is ctx.Err, except that a deadline counts from its moment on: the network's timer may well fire before
// that of the context.
func contextError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// networkReason puts an error of the network in plain words.
func networkReason(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host name"
	case errors.As(err, &dns):
		return "the host name cannot be looked up"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &errno):
		return errno.Error() // e.g. "connection refused", "no route to host"
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return "connection closed"
	default:
		return "network error"
	}
}
