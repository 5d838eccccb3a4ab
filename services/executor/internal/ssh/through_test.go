package ssh

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestAHostIsReachedThroughTwoJumpHosts(t *testing.T) {
	expectNoLeaks(t)
	hosts := hosttest.Start(t, 3)
	edge := open(t, target(hosts[0]), Options{})
	inner, err := edge.Dial(t.Context(), target(hosts[1]), Options{})
	require.NoError(t, err)
	require.NoError(t, inner.Close())
	require.True(t, edge.Idle(), "the way to the next host leaves nothing behind")

	inner, err = edge.Dial(t.Context(), target(hosts[1]), Options{})
	require.NoError(t, err)
	last, err := inner.Dial(t.Context(), target(hosts[2]), Options{})
	require.NoError(t, err)
	require.Equal(t, hosts[2].HostKey, last.HostKey())
	require.Equal(t, hosts[2].Home, stdout(t, last, `cd "$HOME" && pwd`))
	require.Equal(t, "no agent", stdout(t, last, `test -z "$SSH_AUTH_SOCK" && echo no agent`))

	hosts[0].KillSessions()
	<-last.Ended()
	_, err = last.Run(t.Context(), Command{Line: "true"})
	require.ErrorIs(t, err, ErrConnectionLost, "it ends with the jump host")
	_, err = edge.Dial(t.Context(), target(hosts[1]), Options{})
	require.ErrorIs(t, err, ErrConnectionLost)
	require.NoError(t, last.Close())
	require.NoError(t, inner.Close())
}

func TestTheKeyOfAHostBehindAJumpHostIsChecked(t *testing.T) {
	expectNoLeaks(t)
	hosts := hosttest.Start(t, 2)
	edge := open(t, target(hosts[0]), Options{})
	to := target(hosts[1])
	to.HostKey = string(gossh.MarshalAuthorizedKey(newSigner(t).PublicKey()))
	_, err := edge.Dial(t.Context(), to, Options{})
	require.ErrorIs(t, err, ErrHostKeyChanged)
}

func TestAJumpHostThatDoesNotForwardSaysSo(t *testing.T) {
	expectNoLeaks(t)
	edge := hosttest.Start(t, 1, hosttest.WithSettings("AllowTcpForwarding no"))[0]
	client := open(t, target(edge), Options{})
	_, err := client.Dial(t.Context(), target(hosttest.Start(t, 1)[0]), Options{})
	require.ErrorIs(t, err, ErrForwarding)
	require.False(t, IsTransient(err))
	require.Equal(t, "fine", stdout(t, client, "echo fine"))
}

func TestWhyTheJumpHostReachesNobodyIsSaid(t *testing.T) {
	expectNoLeaks(t)
	hosts := hosttest.Start(t, 2)
	edge := open(t, target(hosts[0]), Options{})
	hosts[1].Stop()
	_, err := edge.Dial(t.Context(), target(hosts[1]), Options{})
	require.ErrorIs(t, err, ErrUnreachable)
	require.EqualError(t, err, "host unreachable: connection refused, as the jump host says")
	require.True(t, IsTransient(err))

	require.Equal(t, "no connection", forwardReason("\x1b[31mgotcha"), "what a host says is not repeated")

	hosts[1].Start()
	hosts[1].Freeze()
	_, err = edge.Dial(t.Context(), target(hosts[1]), Options{ConnectTimeout: time.Second})
	require.EqualError(t, err, "host unreachable: no answer in time during the handshake")
	hosts[1].Thaw()
	open(t, target(hosts[1]), Options{})
}

func TestAClientIsIdleWhenAllThatWasBegunIsOver(t *testing.T) {
	expectNoLeaks(t)
	h := hosttest.Start(t, 1)[0]
	client := open(t, target(h), Options{})
	for range 20 {
		stdout(t, client, "true")
		require.True(t, client.Idle())
	}
	require.NoError(t, client.Probe(t.Context()))
	ended := transfer(t.Context(), t, client)
	require.False(t, client.Idle())
	h.KillSessions()
	require.ErrorIs(t, <-ended, ErrConnectionLost)
	require.False(t, client.Idle(), "what has ended is of no use")
	require.ErrorIs(t, client.Probe(t.Context()), ErrConnectionLost)
}
