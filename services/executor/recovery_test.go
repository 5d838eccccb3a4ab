package executor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/xid"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestABrokerThatIsAwayForAMomentFailsNoHost(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	hosts := hosttest.Start(t, 2)
	p := s.upload("1.0", 1000)
	ids := make([]string, len(hosts))
	for i, h := range hosts {
		h.Freeze() // so that packages are fetched only while the broker is away
		ids[i] = s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: p})
	}
	for i, h := range hosts {
		s.awaitStep(ids[i], h.Name, "connect running")
	}
	s.srv.Stop()
	for _, h := range hosts {
		h.Thaw()
	}
	s.srv.Restart()
	for i, h := range hosts {
		ended := s.await(ids[i], h.Name)
		require.Equal(t, "succeeded", ended.State, "%v", ended.Failure)
	}
}

func TestARepeatKnowsWhatAnEarlierAttemptChanged(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	for _, version := range []string{"1.0", "2.0"} {
		stop := s.executor(crashes)
		id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload(version, 10)})
		s.awaitStep(id, h.Name, "switch succeeded")
		stop() // before the terminal event, or after it if the test is slow
		stop = s.executor(takesUp)
		want := contract.JobEndedEvent{State: "succeeded", Release: version, Changed: true}
		if version == "2.0" {
			want.Previous = "1.0"
		}
		require.Equal(t, want, s.await(id, h.Name))
		stop()
	}
}

func TestTwoServersThatAreOneLoginWaitForEachOther(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	ids := map[string]string{}
	for _, alias := range []string{"alias-a", "alias-b"} {
		place := app
		place.Path = "apps/" + alias
		ids[alias] = s.offer(alias, contract.DeployJob{Application: place, Target: s.target(h), Package: s.upload(alias, 16<<20)})
	}
	for alias, id := range ids {
		ended := s.await(id, alias)
		require.Equal(t, "succeeded", ended.State, "%v", ended.Failure)
		require.Equal(t, 1, strings.Count(steps(s.story(id, alias)), "started"))
	}
}

func TestAHostThatHasSeenATokenOfTheFutureFailsAndSaysSo(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	seen := filepath.Join(h.Home, ".slipway", "fence", s.bus.Installation()+"-"+h.Name)
	require.NoError(t, os.MkdirAll(filepath.Dir(seen), 0o700))
	require.NoError(t, os.WriteFile(seen, []byte("999999\n"), 0o600))
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 10)})
	ended := s.await(id, h.Name)
	require.Equal(t, contract.FailHost, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "newer token of this installation")
	require.Equal(t, 1, strings.Count(steps(s.story(id, h.Name)), "started"))
}

func TestAnExecutorThatCannotKeepPackagesLeavesJobsToOthers(t *testing.T) {
	s := newSystem(t)
	dir := filepath.Join(t.TempDir(), "cache")
	stop := s.executor(func(c *Config) { takesUp(c); c.Cache.Dir = dir })
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	h := hosttest.Start(t, 1)[0]
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 10)})
	s.awaitStep(id, h.Name, "connect running, started") // handed back, and taken again
	require.NoError(t, os.Remove(dir))
	stop()
	s.executor(takesUp)
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
}

func TestWhyNoExecutorCouldCarryItOutIsSaidInTheEnd(t *testing.T) {
	s := newSystem(t)
	dir := filepath.Join(t.TempDir(), "cache")
	s.executor(func(c *Config) { c.Cache.Dir, c.Job.MaxAttempts, c.Job.AckWait = dir, 4, briefly })
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o600))
	t.Cleanup(func() { require.NoError(t, os.Remove(dir)) })
	h := hosttest.Start(t, 1)[0]
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 10)})
	ended := s.await(id, h.Name)
	require.Equal(t, contract.FailAttempts, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "cannot keep the package")
}

func TestAJobThatNobodyKnowsFailsItsHost(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	id := xid.New().String()
	job, err := contract.Encode(contract.Envelope{Deployment: id, Host: "host-1"}, unknown{})
	require.NoError(t, err)
	require.NoError(t, s.bus.Offer(t.Context(), "", "host-1", job))
	ended := s.await(id, "host-1")
	require.Equal(t, contract.FailInternal, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "slipway.v1.job.dance")
	require.Eventually(t, func() bool {
		_, err := s.bus.Last(context.Background(), contract.StreamJobs, contract.AnyJobSubject("host-1"))
		return err != nil
	}, patience, 10*time.Millisecond, "the job stays in the way of the host's next one")
}

// unknown is a job of a later version.
type unknown struct{}

func (unknown) MessageType() contract.Type { return "slipway.v1.job.dance" }

func TestAFirstContactWaitsForAGatewayThatIsStarting(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	target := s.target(h)
	target.HostKey, target.FirstContact = "", true
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: s.upload("1.0", 10)})
	s.awaitStep(id, h.Name, "connect running")
	_, err := s.bus.Conn().Subscribe(contract.RecordHostKeys, func(msg *nats.Msg) {
		if m, err := contract.Decode(msg.Data); err == nil {
			answer, _ := contract.Encode(contract.Envelope{}, contract.HostKey{Key: m.Body.(contract.RecordHostKey).Key})
			_ = msg.Respond(answer)
		}
	})
	require.NoError(t, err)
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
}
