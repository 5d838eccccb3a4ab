package hosts

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// kept is how many connections the pool holds.
func (s *site) kept() int {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	n := 0
	for _, conns := range s.pool.conns {
		n += len(conns)
	}
	return n
}

func (s *site) awaitKept(n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.kept() == n }, patience, time.Millisecond)
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	s := newSite(t, roomy, nil)
	h := hosttest.Start(t, 1)[0]
	to := s.target(h)
	for range 3 {
		host := s.dial(to)
		require.Equal(t, h.Home, home(t, host))
		require.NoError(t, host.Close())
		require.NoError(t, host.Close(), "which gives nothing back twice")
	}
	require.Equal(t, 1, logins(h))
}

func TestTwoWhoWorkOnAHostHaveAConnectionEach(t *testing.T) {
	s := newSite(t, roomy, nil)
	h := hosttest.Start(t, 1)[0]
	to := s.target(h)
	one, two := s.dial(to), s.dial(to)
	require.NotSame(t, one.client, two.client)
	require.NoError(t, one.Close())
	require.Same(t, one.client, s.dial(to).client)
	require.Equal(t, 2, logins(h))
}

func TestAnEditOfTheServerMeansANewConnection(t *testing.T) {
	s := newSite(t, roomy, nil)
	h := hosttest.Start(t, 1)[0]
	to := s.target(h)
	require.NoError(t, s.dial(to).Close())
	again := s.target(h) // sealed anew, as by an edit
	require.NotEqual(t, to.Credential, again.Credential)
	require.NoError(t, s.dial(again).Close())
	require.Equal(t, 2, logins(h))

	again.HostKey = hosttest.Start(t, 1)[0].HostKey
	_, err := s.dialer.Dial(t.Context(), again)
	require.ErrorIs(t, err, ssh.ErrHostKeyChanged, "a connection that is kept does not hide it")
}

func TestAConnectionThatBrokeWhileNobodyUsedItIsReplaced(t *testing.T) {
	s := newSite(t, roomy, nil)
	h := hosttest.Start(t, 1)[0]
	to := s.target(h)
	require.NoError(t, s.dial(to).Close())
	h.Stop()
	s.awaitKept(0)
	h.Start()
	host := s.dial(to)
	require.Equal(t, h.Home, home(t, host))
	require.NoError(t, host.Close())
}

func TestAConnectionThatDoesNotAnswerIsReplaced(t *testing.T) {
	s := newSite(t, roomy, func(set *Settings) { set.SSH.KeepAlive = time.Hour })
	h := hosttest.Start(t, 1)[0]
	to := s.target(h)
	host := s.dial(to)
	frozen := host.client
	require.NoError(t, host.Close())
	s.makeStale()
	h.Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_, err := s.dialer.Dial(ctx, to)
	require.ErrorIs(t, err, context.DeadlineExceeded, "who has no time to wait says nothing about the connection")
	require.Equal(t, 0, s.kept(), "though a question that is still under way is no state to keep it in")
	h.Thaw()
	require.NotSame(t, frozen, s.dial(to).client)
}

// makeStale has the pool ask each connection for a sign of life before it is used.
func (s *site) makeStale() {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	for _, conns := range s.pool.conns {
		for _, c := range conns {
			c.well = time.Time{}
		}
	}
}

func TestAConnectionIsAskedForASignOfLife(t *testing.T) {
	s := newSite(t, roomy, nil)
	h := hosttest.Start(t, 1)[0]
	to := s.target(h)
	require.NoError(t, s.dial(to).Close())
	s.makeStale()
	require.NoError(t, s.dial(to).Close())
	require.Equal(t, 1, logins(h), "it answers, and is kept")
}

func TestAConnectionWithWorkOnItIsNotKept(t *testing.T) {
	s := newSite(t, roomy, nil)
	h := hosttest.Start(t, 1)[0]
	host := s.dial(s.target(h))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := host.client.Run(ctx, ssh.Command{Line: "echo here; exec sleep 1000", Stdout: func(string) {
		h.Freeze() // it cannot say that the command has ended
		cancel()
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, host.Close())
	require.Equal(t, 0, s.kept())
	h.Thaw()
}

func TestAConnectionThatNobodyUsesIsClosedInTime(t *testing.T) {
	s := newSite(t, PoolSettings{IdleTime: 20 * time.Millisecond, IdleMax: 10, Share: 2}, nil)
	hosts := hosttest.Start(t, 2)
	to := s.target(hosts[1], s.hop(hosts[0]))
	host := s.dial(to)
	require.Equal(t, 2, s.kept())
	client := host.client
	require.NoError(t, host.Close())
	<-client.Ended()
	s.awaitKept(0) // the jump host's, too

	none := newSite(t, PoolSettings{IdleMax: 10, Share: 2}, nil)
	require.NoError(t, none.dial(none.target(hosts[0])).Close())
	require.Equal(t, 0, none.kept())
}

func TestOfTooManyIdleConnectionsTheOldestIsClosed(t *testing.T) {
	few := roomy
	few.IdleMax = 2
	s := newSite(t, few, nil)
	var clients []*ssh.Client
	for _, h := range hosttest.Start(t, 3) {
		host := s.dial(s.target(h))
		clients = append(clients, host.client)
		require.NoError(t, host.Close())
	}
	<-clients[0].Ended()
	require.Equal(t, 2, s.kept())
}

func TestAClosedPoolEndsWhatItKeeps(t *testing.T) {
	s := newSite(t, roomy, nil)
	hosts := hosttest.Start(t, 2)
	idle, used := s.target(hosts[0]), s.target(hosts[1])
	require.NoError(t, s.dial(idle).Close())
	host := s.dial(used)
	s.pool.Close()
	require.Equal(t, 1, s.kept(), "what is in use stays")
	require.Equal(t, hosts[1].Home, home(t, host))
	_, err := s.dialer.Dial(t.Context(), idle)
	require.ErrorIs(t, err, ErrClosed)
	require.NoError(t, host.Close())
	require.Equal(t, 0, s.kept())
}
