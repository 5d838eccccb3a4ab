package executor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
	"github.com/slipway-deploy/slipway/libs/seal"
)

func TestAReleaseIsShippedSwitchedToAndLeftAgain(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	target := s.target(h)

	first := s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: s.upload("1.0", 1000)})
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "1.0", Changed: true}, s.await(first, h.Name))
	require.Equal(t, "1.0", current(t, h))
	require.Equal(t, "started, connect running, connect succeeded, stage running, stage succeeded, "+
		"switch running, switch succeeded, clean running, clean succeeded, succeeded", steps(s.story(first, h.Name)))

	two := s.upload("2.0", 1000)
	second := s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: two})
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "2.0", Previous: "1.0", Changed: true}, s.await(second, h.Name))

	again := s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: two})
	require.False(t, s.await(again, h.Name).Changed)

	back := s.offer(h.Name, contract.RollbackJob{Application: app, Target: target, From: "2.0"})
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "1.0", Previous: "2.0", Changed: true}, s.await(back, h.Name))
	require.Equal(t, "1.0", current(t, h))

	twice := s.offer(h.Name, contract.RollbackJob{Application: app, Target: target, From: "2.0"})
	ended := s.await(twice, h.Name)
	require.Equal(t, "succeeded", ended.State)
	require.Contains(t, ended.Note, "nothing to do")
	require.Equal(t, "1.0", current(t, h))
}

func TestAHostThatFailsKeepsWhatItRuns(t *testing.T) {
	s := newSystem(t)
	s.executor(func(c *Config) { c.Job.Tries = 1 })
	h := hosttest.Start(t, 1)[0]
	good := s.target(h)
	require.Equal(t, "succeeded", s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: good, Package: s.upload("1.0", 10)}), h.Name).State)

	otherKey, err := seal.GenerateKey()
	require.NoError(t, err)
	sealed, err := otherKey.Public().Seal(contract.CredentialContext(h.Name), []byte("{}"))
	require.NoError(t, err)
	for code, spoil := range map[string]func(*contract.DeployJob){
		contract.FailUnreachable:     func(j *contract.DeployJob) { j.Target.Port = 1 },
		contract.FailHostKeyChanged:  func(j *contract.DeployJob) { j.Target.HostKey = hosttest.Start(t, 1)[0].HostKey },
		contract.FailHostKeyUnknown:  func(j *contract.DeployJob) { j.Target.HostKey = "" },
		contract.FailCredential:      func(j *contract.DeployJob) { j.Target.Credential = string(sealed) },
		contract.FailPackageMissing:  func(j *contract.DeployJob) { j.Package.ID = "nowhere" },
		contract.FailPackageCorrupt:  func(j *contract.DeployJob) { j.Package.SHA256 = strings.Repeat("0", 64) },
		contract.FailReleaseConflict: func(j *contract.DeployJob) { j.Package = s.upload("1.0", 11) },
	} {
		job := contract.DeployJob{Application: app, Target: good, Package: s.upload("2.0", 10)}
		spoil(&job)
		ended := s.await(s.offer(h.Name, job), h.Name)
		require.Equal(t, "failed", ended.State, code)
		require.Equal(t, code, ended.Failure.Code, ended.Failure.Reason)
		require.Equal(t, "1.0", current(t, h))
	}
}

func TestAJobThatHasEndedIsAcknowledgedAndNotDoneAgain(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 10)})
	data, err := contract.Encode(contract.Envelope{ID: "x", Deployment: id, Host: h.Name}, contract.JobEndedEvent{State: "skipped"})
	require.NoError(t, err)
	_, err = s.bus.Append(t.Context(), contract.StreamEvents, contract.JobEventSubject(id, h.Name), 0, "x", data)
	require.NoError(t, err)
	s.executor(nil)
	require.Eventually(t, func() bool {
		_, err := s.bus.Last(context.Background(), contract.StreamJobs, contract.AnyJobSubject(h.Name))
		return err != nil
	}, patience, 10*time.Millisecond)
	require.Len(t, s.story(id, h.Name), 1)
	require.Empty(t, current(t, h))
}

func TestAFrozenHostFailsAndTheOthersDoNotWaitForIt(t *testing.T) {
	s := newSystem(t)
	s.executor(func(c *Config) { c.SSH.ConnectTimeout, c.Job.Tries = 10*time.Second, 1 })
	hosts := hosttest.Start(t, 3)
	p := s.upload("1.0", 100)
	hosts[0].Freeze()
	var ids []string
	for _, h := range hosts {
		ids = append(ids, s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: p}))
	}
	for i, h := range hosts[1:] {
		require.Equal(t, "succeeded", s.await(ids[i+1], h.Name).State)
	}
	ended := s.await(ids[0], hosts[0].Name)
	require.Equal(t, contract.FailUnreachable, ended.Failure.Code)
}

func TestAJobMayAskForLessTimeThanTheExecutorAllows(t *testing.T) {
	s := newSystem(t)
	s.executor(func(c *Config) { c.Job.Tries = 1 })
	h := hosttest.Start(t, 1)[0]
	h.Freeze()
	for name, limits := range map[string]contract.JobLimits{"step": {Step: 300}, "host": {Host: 300, Step: 3_600_000}} {
		ended := s.await(s.offer(h.Name, contract.DeployJob{
			Application: app, Target: s.target(h), Package: s.upload("1.0", 10), Limits: &limits,
		}), h.Name)
		require.Equal(t, contract.FailDeadline, ended.Failure.Code, name)
	}
}

func TestAStoppedExecutorEndsItsJobsAndAnotherTakesTheRest(t *testing.T) {
	s := newSystem(t)
	stop := s.executor(func(c *Config) { c.Slots = 2 })
	hosts := hosttest.Start(t, 8)
	p := s.upload("1.0", 2<<20)
	ids := make([]string, len(hosts))
	for i, h := range hosts {
		ids[i] = s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: p})
	}
	require.Eventually(t, func() bool { return len(s.story(ids[0], hosts[0].Name)) > 0 }, patience, time.Millisecond)
	stop()
	s.executor(nil)
	for i, h := range hosts {
		require.Equal(t, "succeeded", s.await(ids[i], h.Name).State)
		require.Equal(t, "1.0", current(t, h))
	}
}

func TestAnAttemptThatWasCutShortIsTakenUpUnderAHigherToken(t *testing.T) {
	s := newSystem(t)
	h := hosttest.Start(t, 1)[0]
	stop := s.executor(crashes)
	way := newMidway(t, h, 1<<20)
	id := s.offer(h.Name, contract.DeployJob{Application: app, Target: way.to(s.target(h)), Package: s.upload("1.0", 4<<20)})
	way.await()
	stop()
	way.open()
	s.executor(takesUp)
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	require.Equal(t, "1.0", current(t, h))
	var tokens []uint64 // of each attempt, as its steps carry it; a machine that stalls may cut a second one short
	for _, m := range s.story(id, h.Name) {
		if m.Type == contract.TypeJobStep && !slices.Contains(tokens, m.Token) {
			tokens = append(tokens, m.Token)
		}
	}
	require.GreaterOrEqual(t, len(tokens), 2)
	require.IsIncreasing(t, tokens)
}

func TestTheKeyOfAFirstContactCountsOnlyOnceItIsRecorded(t *testing.T) {
	s := newSystem(t)
	stop := s.executor(func(c *Config) { c.SSH.RecordWait = time.Second })
	h := hosttest.Start(t, 1)[0]
	target := s.target(h)
	target.HostKey, target.FirstContact = "", true
	p := s.upload("1.0", 10)

	ended := s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: p}), h.Name)
	require.Equal(t, contract.FailHostKeyUnknown, ended.Failure.Code, "there is no gateway to record it")
	stop()
	s.executor(nil)

	recorded := make(chan string, 1)
	sub, err := s.bus.Conn().Subscribe(contract.RecordHostKeys, func(msg *nats.Msg) {
		m, err := contract.Decode(msg.Data)
		if err != nil {
			return
		}
		key := m.Body.(contract.RecordHostKey).Key
		answer, _ := contract.Encode(contract.Envelope{}, contract.HostKey{Key: key})
		_ = msg.Respond(answer)
		recorded <- key
	})
	require.NoError(t, err)
	ended = s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: p}), h.Name)
	require.Equal(t, "succeeded", ended.State)
	require.Equal(t, strings.Join(strings.Fields(h.HostKey)[:2], " "), <-recorded)

	require.NoError(t, sub.Unsubscribe())
	_, err = s.bus.Conn().Subscribe(contract.RecordHostKeys, func(msg *nats.Msg) {
		answer, _ := contract.Encode(contract.Envelope{}, contract.HostKey{Key: "ssh-ed25519 another"})
		_ = msg.Respond(answer)
	})
	require.NoError(t, err)
	ended = s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: target, Package: p}), h.Name)
	require.Equal(t, contract.FailHostKeyChanged, ended.Failure.Code)
}

func TestWhatHostsHoldIsReadFromThem(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	hosts := hosttest.Start(t, 2)
	for _, v := range []string{"1.0", "2.0"} {
		require.Equal(t, "succeeded", s.await(s.offer(hosts[0].Name,
			contract.DeployJob{Application: app, Target: s.target(hosts[0]), Package: s.upload(v, 10)}), hosts[0].Name).State)
	}
	unreachable := s.target(hosts[1])
	unreachable.Port = 1
	ask, err := contract.Encode(contract.Envelope{}, contract.Inspect{
		Path: app.Path, Targets: []contract.Target{s.target(hosts[0]), s.target(hosts[1]), unreachable},
	})
	require.NoError(t, err)
	reply, err := s.bus.Conn().Request(contract.ReleasesSubject(""), ask, patience)
	require.NoError(t, err)
	m, err := contract.Decode(reply.Data)
	require.NoError(t, err)
	held := m.Body.(contract.Releases).Hosts
	require.Len(t, held, 3)
	require.Equal(t, "2.0", held[0].Current)
	require.True(t, held[0].Intact)
	require.Equal(t, "1.0", held[0].Previous)
	require.Len(t, held[0].Releases, 2)
	require.Empty(t, held[1].Current)
	require.Nil(t, held[1].Failure)
	require.Equal(t, contract.FailUnreachable, held[2].Failure.Code)
}
