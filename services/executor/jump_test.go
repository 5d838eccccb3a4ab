package executor

import (
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// hop is the host as one that others are reached through.
func (s *system) hop(h *hosttest.Host) contract.Hop {
	t := s.target(h)
	return contract.Hop{
		Host: t.Host, Name: t.Name, Address: t.Address, Port: t.Port, User: t.User, Credential: t.Credential, HostKey: t.HostKey,
	}
}

// recordKeys plays a gateway that keeps the first key of each host. The function
// that it returns says which are kept.
func (s *system) recordKeys() (kept func(host string) string) {
	s.t.Helper()
	var mu sync.Mutex
	keys := map[string]string{}
	sub, err := s.bus.Conn().Subscribe(contract.RecordHostKeys, func(msg *nats.Msg) {
		m, err := contract.Decode(msg.Data)
		if err != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if keys[m.Host] == "" {
			keys[m.Host] = m.Body.(contract.RecordHostKey).Key
		}
		answer, _ := contract.Encode(contract.Envelope{}, contract.HostKey{Key: keys[m.Host]})
		_ = msg.Respond(answer)
	})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = sub.Unsubscribe() })
	return func(host string) string {
		mu.Lock()
		defer mu.Unlock()
		return keys[host]
	}
}

func TestAReleaseIsShippedThroughTwoJumpHosts(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	kept := s.recordKeys()
	edge, inner, web := hosttest.Start(t, 1)[0], hosttest.Start(t, 1)[0], hosttest.Start(t, 1)[0]
	target := s.target(web)
	target.Via = []contract.Hop{s.hop(edge), s.hop(inner)}
	target.Via[1].HostKey, target.Via[1].FirstContact = "", true // met for the first time

	for _, version := range []string{"1.0", "2.0"} {
		id := s.offer(web.Name, contract.DeployJob{Application: app, Target: target, Package: s.upload(version, 1<<20)})
		require.Equal(t, "succeeded", s.await(id, web.Name).State)
		require.Equal(t, version, current(t, web))
	}
	require.Equal(t, inner.HostKey, kept(inner.Name))
	ask, err := contract.Encode(contract.Envelope{}, contract.Inspect{Path: app.Path, Targets: []contract.Target{target}})
	require.NoError(t, err)
	reply, err := s.bus.Conn().Request(contract.ReleasesSubject(""), ask, patience)
	require.NoError(t, err)
	m, err := contract.Decode(reply.Data)
	require.NoError(t, err)
	require.Equal(t, "2.0", m.Body.(contract.Releases).Hosts[0].Current)
	for _, h := range []*hosttest.Host{edge, inner, web} {
		require.Equal(t, 1, strings.Count(h.Log(), "Accepted publickey"), "two jobs and a question on one connection")
	}
}

func TestAConnectionThatDiedBetweenTwoJobsFailsNone(t *testing.T) {
	s := newSystem(t)
	s.executor(func(c *Config) { c.Job.Tries = 2 }) // on a busy machine the first finds out that it died
	edge, web := hosttest.Start(t, 1)[0], hosttest.Start(t, 1)[0]
	target := s.target(web)
	target.Via = []contract.Hop{s.hop(edge)}
	for i, between := range []func(){func() {}, web.KillSessions, edge.KillSessions, func() { web.Stop(); web.Start() }} {
		between()
		id := s.offer(web.Name, contract.DeployJob{Application: app, Target: target, Package: s.upload(string(rune('1'+i))+".0", 10)})
		require.Equal(t, "succeeded", s.await(id, web.Name).State)
	}
}

func TestAFailureOfAJumpHostNamesIt(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	edge := hosttest.Start(t, 1, hosttest.WithSettings("AllowTcpForwarding no"))[0]
	web := hosttest.Start(t, 1)[0]
	target := s.target(web)
	target.Via = []contract.Hop{s.hop(edge)}
	p := s.upload("1.0", 10)
	fail := func() *contract.Failure {
		ended := s.await(s.offer(web.Name, contract.DeployJob{Application: app, Target: target, Package: p}), web.Name)
		require.Equal(t, "failed", ended.State)
		require.Contains(t, ended.Failure.Reason, edge.Name)
		return ended.Failure
	}
	require.Equal(t, contract.FailJumpRefused, fail().Code)
	target.Via[0].HostKey = web.HostKey
	require.Equal(t, contract.FailHostKeyChanged, fail().Code)
	target.Via[0].Port = 1
	require.Equal(t, contract.FailUnreachable, fail().Code)
}
