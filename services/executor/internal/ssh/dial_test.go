package ssh

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestStoppedHostIsUnreachable(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	h.Stop()
	_, err := Dial(t.Context(), target(h), Options{})
	require.ErrorIs(t, err, ErrUnreachable)
	require.EqualError(t, err, "host unreachable: connection refused")
	require.True(t, IsTransient(err))

	h.Start()
	open(t, target(h), Options{})
}

func TestHostThatNeverAnswersIsUnreachable(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	h.Freeze()
	_, err := Dial(t.Context(), target(h), Options{ConnectTimeout: time.Second})
	require.ErrorIs(t, err, ErrUnreachable)
	require.EqualError(t, err, "host unreachable: no answer in time during the handshake")
}

func TestHostThatHangsUpIsUnreachable(t *testing.T) {
	expectNoLeaks(t)
	to := listen(t, func(conn net.Conn) { _, _ = conn.Write([]byte("Exceeded MaxStartups\r\n")) })
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrUnreachable)
}

func TestHostThatHangsUpDuringTheLoginIsUnreachable(t *testing.T) {
	var current net.Conn
	config := &gossh.ServerConfig{
		PasswordCallback: func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) {
			_ = current.Close()
			return nil, errors.New("gone")
		},
		KeyboardInteractiveCallback: func(gossh.ConnMetadata, gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			return nil, errors.New("gone")
		},
	}
	config.AddHostKey(newSigner(t))
	to := listen(t, func(conn net.Conn) {
		current = conn
		_, _, _, _ = gossh.NewServerConn(conn, config)
	})
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrUnreachable, "a lost connection is no refused password")
}

func TestWhatIsNoSSHServerIsIncompatible(t *testing.T) {
	to := listen(t, func(conn net.Conn) { _, _ = conn.Write(bytes.Repeat([]byte("x"), 1<<16)) })
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrIncompatible)
	require.False(t, IsTransient(err))
}

func TestNoCommonAlgorithmIsIncompatible(t *testing.T) {
	to := serveSSH(t, &gossh.ServerConfig{
		Config:           gossh.Config{KeyExchanges: []string{gossh.InsecureKeyExchangeDH1SHA1}},
		PasswordCallback: func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) { return nil, nil },
	}, func(gossh.NewChannel) {})
	_, err := Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrIncompatible)
	require.EqualError(t, err, "no common SSH protocol: none for key exchange but what is weak, and is agreed on only if it is "+
		"among the server's legacy algorithms: diffie-hellman-group1-sha1")
	to.LegacyAlgorithms = []string{gossh.InsecureKeyExchangeDH1SHA1}
	open(t, to, Options{})
}

func TestDialEndsWithItsContext(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	h.Freeze()

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := Dial(ctx, target(h), Options{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.False(t, IsTransient(err))

	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	_, err = Dial(ctx, target(h), Options{})
	require.ErrorIs(t, err, context.Canceled)

	_, err = Dial(ctx, target(h), Options{})
	require.ErrorIs(t, err, context.Canceled, "ended before it began")
}

func TestOnlyHandshakesAreAdmitted(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	begun, over := 0, 0
	o := Options{Admit: func(context.Context) (func(), error) {
		begun++
		return func() { over++ }, nil
	}}
	open(t, target(h), o)
	require.Equal(t, []int{1, 1}, []int{begun, over})

	h.Stop()
	_, err := Dial(t.Context(), target(h), o)
	require.ErrorIs(t, err, ErrUnreachable)
	require.Equal(t, 1, begun, "a host that does not take the connection needs no turn")

	h.Start()
	full := errors.New("no turn")
	_, err = Dial(t.Context(), target(h), Options{Admit: func(context.Context) (func(), error) { return nil, full }})
	require.ErrorIs(t, err, full)
}

func TestClientOutlivesTheContextOfDial(t *testing.T) {
	h := hosttest.Start(t, 1)[0]
	ctx, cancel := context.WithCancel(t.Context())
	client, err := Dial(ctx, target(h), Options{})
	require.NoError(t, err)
	defer client.Close()
	cancel()
	require.Equal(t, "here", stdout(t, client, "echo here"))
}

func TestNetworkErrorsInPlainWords(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&net.OpError{Err: &net.DNSError{IsNotFound: true}}, "no such host name"},
		{&net.OpError{Err: &net.DNSError{IsTimeout: true}}, "the host name cannot be looked up"},
		{&net.OpError{Err: context.DeadlineExceeded}, "no answer in time"},
		{errors.New("anything"), "network error"},
	} {
		require.Equal(t, test.want, networkReason(test.err))
	}
}
