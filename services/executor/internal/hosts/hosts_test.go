package hosts

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/seal"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// patience bounds waits that end as soon as what they wait for is so.
const patience = time.Minute

// site is a dialer and its pool, and the key that credentials are sealed to.
type site struct {
	t      *testing.T
	key    seal.PrivateKey
	pool   *Pool
	dialer *Dialer
}

func newSite(t *testing.T, pool PoolSettings, adjust func(*Settings)) *site {
	t.Helper()
	key, err := seal.GenerateKey()
	require.NoError(t, err)
	set := Settings{
		Keys: seal.KeysOf(key), Starts: 64, StartsPerHost: 4, StartsPerNetwork: 64,
		SSH: ssh.Options{ConnectTimeout: patience},
	}
	if adjust != nil {
		adjust(&set)
	}
	s := &site{t: t, key: key, pool: NewPool(pool)}
	t.Cleanup(s.pool.Close)
	s.dialer = New(nil, s.pool, set)
	return s
}

// roomy keeps connections for longer than any test takes.
var roomy = PoolSettings{IdleTime: time.Hour, IdleMax: 1000, Share: 32}

func (s *site) hop(h *hosttest.Host) contract.Hop {
	s.t.Helper()
	clear, err := json.Marshal(contract.Credential{PrivateKey: string(h.PrivateKeyPEM)})
	require.NoError(s.t, err)
	sealed, err := s.key.Public().Seal(contract.CredentialContext(h.Name), clear)
	require.NoError(s.t, err)
	return contract.Hop{
		Host: h.Name, Name: h.Name, Address: h.Addr, Port: h.Port, User: h.User, Credential: string(sealed), HostKey: h.HostKey,
	}
}

// target is a host behind others.
func (s *site) target(h *hosttest.Host, via ...contract.Hop) contract.Target {
	s.t.Helper()
	hop := s.hop(h)
	return contract.Target{
		Host: hop.Host, Name: hop.Name, Address: hop.Address, Port: hop.Port, User: hop.User,
		Credential: hop.Credential, HostKey: hop.HostKey, Via: via,
	}
}

func (s *site) dial(t contract.Target) *Host {
	s.t.Helper()
	h, err := s.dialer.Dial(s.t.Context(), t)
	require.NoError(s.t, err)
	return h
}

// home is where the host says that its sessions are at home.
func home(t *testing.T, h *Host) string {
	t.Helper()
	var said string
	_, err := h.client.Run(t.Context(), ssh.Command{Line: `cd "$HOME" && pwd`, Stdout: func(line string) { said = line }})
	require.NoError(t, err)
	return said
}
