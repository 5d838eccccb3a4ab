package rollouts

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// started publishes the first event of a target as an executor would that then
// dies. It returns its fencing token.
func (s *system) started(id string, target int, host string) uint64 {
	s.t.Helper()
	e := contract.Envelope{ID: xid.New().String(), Deployment: id, Host: host, Target: target, Attempt: 1}
	data, err := contract.Encode(e, contract.JobStartedEvent{Executor: "test"})
	require.NoError(s.t, err)
	token, err := s.bus.Append(s.t.Context(), contract.StreamEvents, contract.JobEventSubject(id, host), 0, e.ID, data)
	require.NoError(s.t, err)
	return token
}

func (s *system) requireStored(host string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		_, err := s.bus.Last(context.Background(), contract.StreamJobs, contract.AnyJobSubject(host))
		return err == nil
	}, patience, 5*time.Millisecond)
}

func TestAStoppedDeploymentEndsThoughItsJobsWereLost(t *testing.T) {
	s := newSystem(t)
	s.replica()
	s.replica()
	targets := servers("h", 3)
	id := s.deploy(targets, 0)
	var tokens []uint64
	for i, target := range targets[:2] {
		s.requireStored(target.Host)
		tokens = append(tokens, s.started(id, i, target.Host))
	}
	s.requireDone(id, "cancel", deploy.Halting)
	jobs, err := s.bus.JetStream().Stream(t.Context(), contract.StreamJobs)
	require.NoError(t, err)
	for _, target := range []contract.Target{targets[0], targets[2]} {
		lost := jetstream.WithPurgeSubject(contract.AnyJobSubject(target.Host))
		require.NoError(t, jobs.Purge(t.Context(), lost), "a broker that lost what was not on disk, but for one")
	}

	require.Eventually(t, func() bool { return s.ends(id, targets[0].Host) }, patience, 5*time.Millisecond)
	require.Equal(t, deploy.Draining, s.record(id).Rollout.Phase)
	require.False(t, s.ends(id, targets[1].Host), "an executor may still have it")
	s.executors(succeed)
	require.Equal(t, "cancelled", s.conclusion(id).State)
	require.Equal(t, map[string]deploy.State{"h0": deploy.Failed, "h1": deploy.Succeeded, "h2": deploy.Cancelled}, s.requireWhole(id, targets))
	for _, m := range s.story(id) {
		if ended, ok := m.Body.(contract.JobEndedEvent); ok && m.Host == "h0" {
			require.Equal(t, contract.FailJobLost, ended.Failure.Code)
			require.Equal(t, 1, m.Attempt)
			require.Equal(t, tokens[0], m.Token, "it ends the attempt that began")
		}
	}
}

// ends says whether the host has ended in the deployment.
func (s *system) ends(id, host string) bool {
	_, m, err := s.last(contract.JobEventSubject(id, host))
	_, isEnd := m.Body.(contract.JobEndedEvent)
	return err == nil && isEnd
}
