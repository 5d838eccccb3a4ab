package ssh

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// socket answers each question that arrives at a UNIX socket.
func socket(t *testing.T, answer func(net.Conn)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ask") //nolint:usetesting // its path may be too long for a socket
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	accept(t, "unix", path, answer)
	return path
}

func TestASocketOnTheHostIsAsked(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	path := socket(t, func(conn net.Conn) {
		question := make([]byte, len("who?"))
		_, _ = io.ReadFull(conn, question)
		_, _ = io.WriteString(conn, string(question)+" me")
	})
	for range 2 {
		answer, err := client.Ask(t.Context(), path, "who?")
		require.NoError(t, err)
		require.Equal(t, "who? me", answer)
	}
	_, err := client.Ask(t.Context(), path+"x", "who?")
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "nobody listens")
	require.Equal(t, "fine", stdout(t, client, "echo fine"), "the connection stays of use")
}

func TestTheEndOfAContextEndsAQuestion(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	asked := make(chan struct{})
	path := socket(t, func(conn net.Conn) {
		close(asked)
		_, _ = io.Copy(io.Discard, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	_, err := client.Ask(ctx, path, "who?")
	require.ErrorIs(t, err, context.Canceled)
	_, err = client.Ask(ctx, path, "who?")
	require.ErrorIs(t, err, context.Canceled)
}

func TestASocketThatSaysTooMuchIsRefused(t *testing.T) {
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	path := socket(t, func(conn net.Conn) { _, _ = io.WriteString(conn, strings.Repeat("x", maxAnswer+1)) })
	_, err := client.Ask(t.Context(), path, "who?")
	require.ErrorIs(t, err, ErrRefused)
}

func TestAHostThatForwardsToNoSocketSaysSo(t *testing.T) {
	client := open(t, serveSSH(t, &gossh.ServerConfig{NoClientAuth: true}, func(c gossh.NewChannel) {
		_ = c.Reject(gossh.Prohibited, "open failed")
	}), Options{})
	_, err := client.Ask(t.Context(), "/run/s", "who?")
	require.ErrorIs(t, err, ErrRefused)
	require.ErrorContains(t, err, "does not forward")
}
