package hosts

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// logins counts those that the host let in.
func logins(h *hosttest.Host) int { return strings.Count(h.Log(), "Accepted publickey") }

func TestAHostBehindTwoJumpHostsIsReachedWithTheCredentialOfEach(t *testing.T) {
	s := newSite(t, roomy, nil)
	var chain []*hosttest.Host
	for range 3 { // each with a key of its own
		chain = append(chain, hosttest.Start(t, 1)...)
	}
	h := s.dial(s.target(chain[2], s.hop(chain[0]), s.hop(chain[1])))
	require.Equal(t, chain[2].Home, home(t, h))
	require.NoError(t, h.Close())
}

func TestAnErrorOfAJumpHostNamesIt(t *testing.T) {
	s := newSite(t, PoolSettings{Share: 2}, nil)
	chain := hosttest.Start(t, 3)
	at := fmt.Sprintf("jump host %q (%s:%d): ", chain[1].Name, chain[1].Addr, chain[1].Port)
	way := func() []contract.Hop { return []contract.Hop{s.hop(chain[0]), s.hop(chain[1])} }

	wrongKey := way()
	wrongKey[1].HostKey = chain[0].HostKey
	_, err := s.dialer.Dial(t.Context(), s.target(chain[2], wrongKey...))
	require.ErrorIs(t, err, ssh.ErrHostKeyChanged)
	require.Contains(t, err.Error(), at+"host key changed")

	damaged := way()
	damaged[1].Credential = "v1.nonsense"
	_, err = s.dialer.Dial(t.Context(), s.target(chain[2], damaged...))
	require.ErrorIs(t, err, ErrCredential)
	require.Contains(t, err.Error(), at)

	forwardsNothing := hosttest.Start(t, 1, hosttest.WithSettings("AllowTcpForwarding no"))[0]
	_, err = s.dialer.Dial(t.Context(), s.target(chain[2], s.hop(forwardsNothing)))
	require.ErrorIs(t, err, ssh.ErrForwarding)
	require.Contains(t, err.Error(), forwardsNothing.Name)

	chain[1].Stop()
	_, err = s.dialer.Dial(t.Context(), s.target(chain[2], way()...))
	require.ErrorIs(t, err, ssh.ErrUnreachable)
	require.EqualError(t, err, at+"host unreachable: connection refused, as the jump host says")

	chain[2].Stop()
	_, err = s.dialer.Dial(t.Context(), s.target(chain[2], s.hop(chain[0])))
	require.EqualError(t, err, "host unreachable: connection refused, as the jump host says", "the host itself needs no name")
}

func TestHostsBehindAJumpHostShareItsConnection(t *testing.T) {
	s := newSite(t, roomy, nil)
	edge, fleet := hosttest.Start(t, 1, hosttest.WithSettings("MaxStartups 1"))[0], hosttest.Start(t, 20)
	way := s.hop(edge)
	var all sync.WaitGroup
	for _, h := range fleet {
		all.Go(func() {
			host, err := s.dialer.Dial(t.Context(), s.target(h, way))
			if err == nil {
				err = host.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, logins(edge))
}

// A hundred targets and a jump host that takes two logins at once: where each needs
// a connection of its own, they wait for each other.
func TestAHundredConnectionsAtOnceDoNotTripMaxStartups(t *testing.T) {
	share := roomy
	share.Share = 2
	s := newSite(t, share, func(set *Settings) { set.StartsPerHost = 2 })
	edge := hosttest.Start(t, 1, hosttest.WithSettings("MaxStartups 2"))[0]
	inner := hosttest.Start(t, 1, hosttest.WithSettings("MaxStartups 2"))[0]
	to, way := s.target(inner), []contract.Hop{s.hop(edge)}
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			to := to
			to.Via = way
			to.Name = fmt.Sprint("as ", i) // another server of the inventory, on the same machine
			if _, err := s.dialer.Dial(t.Context(), to); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.Equal(t, 50, logins(edge))
	require.Equal(t, 100, logins(inner))
	require.NotContains(t, edge.Log()+inner.Log(), "drop connection")
}

func TestAnErrorReachesAllWhoWaitForTheJumpHost(t *testing.T) {
	s := newSite(t, roomy, nil)
	hosts := hosttest.Start(t, 2)
	edge := s.hop(hosts[0])
	edge.HostKey = hosts[1].HostKey
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			_, err := s.dialer.Dial(t.Context(), s.target(hosts[1], edge))
			if err == nil || !strings.Contains(err.Error(), "jump host") {
				t.Errorf("it should have failed for the jump host: %v", err)
			}
		})
	}
	all.Wait()
}
