package ssh

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/proctest"
)

func TestTheHostConnectsToAnAddress(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, "hello")
			_ = conn.Close()
		}
	}()
	conn, err := client.Connect(t.Context(), listener.Addr().String())
	require.NoError(t, err)
	said, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "hello", string(said))
	require.NoError(t, conn.Close())
	<-done
	require.NoError(t, listener.Close())

	_, err = client.Connect(t.Context(), fmt.Sprintf("127.0.0.1:%d", proctest.ReservePort(t)))
	require.ErrorIs(t, err, ErrNobody)
	require.False(t, IsTransient(err))
	require.Equal(t, "fine", stdout(t, client, "echo fine"), "the connection stays of use")
}
