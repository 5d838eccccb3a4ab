package ssh

import (
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// patience bounds waits that end as soon as what they wait for is so.
const patience = time.Minute

// target is how to reach h with its key.
func target(h *hosttest.Host) Target {
	return Target{
		Address: h.Addr, Port: h.Port, User: h.User, HostKey: h.HostKey,
		Auth: Auth{PrivateKey: h.PrivateKeyPEM},
	}
}

func open(t *testing.T, to Target, o Options) *Client {
	t.Helper()
	client, err := Dial(t.Context(), to, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// stdout runs a command that must succeed.
func stdout(t *testing.T, client *Client, line string) string {
	t.Helper()
	var lines []string
	result, err := client.Run(t.Context(), Command{Line: line, Stdout: func(l string) { lines = append(lines, l) }})
	require.NoError(t, err)
	require.Zero(t, result.ExitStatus, result.Stderr)
	return strings.Join(lines, "\n")
}

// expectNoLeaks is to be called before anything else: what cleanup ends must be gone when it looks.
func expectNoLeaks(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		deadline := time.Now().Add(patience)
		for runtime.NumGoroutine() > before {
			if time.Now().After(deadline) {
				stacks := make([]byte, 64<<10)
				t.Fatalf("%d goroutines are left, %d were there before:\n%s",
					runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			}
			time.Sleep(time.Millisecond) //nolint:forbidigo // this is a condition with a deadline
		}
	})
}

// accept serves one connection after another until the test ends, and returns the address it listens on.
func accept(t *testing.T, network, address string, serve func(net.Conn)) net.Addr {
	t.Helper()
	listener, err := net.Listen(network, address)
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return listener.Addr()
}

// listen answers each connection with serve, for what no OpenSSH can be made to do.
func listen(t *testing.T, serve func(net.Conn)) Target {
	t.Helper()
	at := accept(t, "tcp", "127.0.0.1:0", serve).(*net.TCPAddr)
	return Target{Address: at.IP.String(), Port: at.Port, User: "anybody", FirstContact: true, Auth: Auth{Password: "secret"}}
}

// serveSSH is a server in the test's process that lets the test answer what a client opens.
func serveSSH(t *testing.T, config *gossh.ServerConfig, open func(gossh.NewChannel)) Target {
	t.Helper()
	config.AddHostKey(newSigner(t))
	return listen(t, func(conn net.Conn) {
		server, channels, requests, err := gossh.NewServerConn(conn, config)
		if err != nil {
			return
		}
		go gossh.DiscardRequests(requests)
		for channel := range channels {
			open(channel)
		}
		_ = server.Wait()
	})
}
