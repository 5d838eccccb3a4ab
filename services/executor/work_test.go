package executor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// tell is a command that writes down that it ran, and where.
func tell(what string) string {
	return `echo "` + what + ` $SLIPWAY_KIND $SLIPWAY_VERSION/$SLIPWAY_PREVIOUS ${PWD##*/} $GREETING" >>"$HOME/told"`
}

func told(t *testing.T, h *hosttest.Host) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(h.Home, "told"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(filepath.Join(h.Home, "told")))
	return string(content)
}

// around is work that has every step.
func around() *contract.Work {
	return &contract.Work{
		Environment: []contract.Variable{{Name: "GREETING", Value: "it's\n\"$(here)\""}},
		Hooks: []contract.Hook{
			{Step: "before", Name: "b", Command: tell("before"), Rollback: true},
			{Step: "during", Name: "d", Command: tell("during"), Environment: []contract.Variable{{Name: "GREETING", Value: "hook"}}},
			{Step: "after", Name: "a1", Command: tell("after1")},
			{Step: "after", Name: "a2", Command: tell("$SLIPWAY_HOOK"), Rollback: true},
		},
		Restart: &contract.Restart{Command: tell("restart")},
		Checks:  []contract.HostCheck{{Name: "c", Command: tell("check"), Tries: 1, Interval: 1, Timeout: 10_000}},
	}
}

func TestWhatIsAroundADeploymentIsDoneInItsPlace(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	target := s.target(h)
	home, greeting := filepath.Base(h.Home), "it's\n\"$(here)\"\n"
	job := contract.DeployJob{Application: app, Work: around(), Target: target, Package: s.upload("1.0", 100)}

	id := s.offer(h.Name, job)
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "1.0", Changed: true}, s.await(id, h.Name))
	require.Equal(t, "started, connect, before, stage, switch, during, restart, check, after, clean, succeeded", ran(s.story(id, h.Name)))
	require.Equal(t, "before deploy 1.0/ "+home+" "+greeting+"during deploy 1.0/ 1.0 hook\nrestart deploy 1.0/ 1.0 "+greeting+
		"check deploy 1.0/ 1.0 "+greeting+"after1 deploy 1.0/ 1.0 "+greeting+"a2 deploy 1.0/ 1.0 "+greeting, told(t, h))

	job.Package = s.upload("2.0", 100)
	require.Equal(t, "succeeded", s.await(s.offer(h.Name, job), h.Name).State)
	require.Contains(t, told(t, h), "restart deploy 2.0/1.0 2.0")

	back := contract.RollbackJob{Application: app, Work: around(), Target: target, From: "2.0"}
	id = s.offer(h.Name, back)
	require.Equal(t, contract.JobEndedEvent{State: "succeeded", Release: "1.0", Previous: "2.0", Changed: true}, s.await(id, h.Name))
	require.Equal(t, "started, connect, before, switch, restart, check, after, clean, succeeded", ran(s.story(id, h.Name)))
	require.Equal(t, "before rollback / "+home+" "+greeting+"restart rollback 1.0/2.0 1.0 "+greeting+"check rollback 1.0/2.0 1.0 "+greeting+
		"a2 rollback 1.0/2.0 1.0 "+greeting, told(t, h))

	back.Work.Hooks = nil
	require.Contains(t, s.await(s.offer(h.Name, back), h.Name).Note, "nothing to do")
	require.NoFileExists(t, filepath.Join(h.Home, "told"), "what runs is left alone")
}

// ran is which steps of a story ended well.
func ran(story []contract.Message) string {
	var kept []string
	for _, said := range strings.Split(steps(story), ", ") {
		if step, ended := strings.CutSuffix(said, " succeeded"); ended || !strings.Contains(said, " ") {
			kept = append(kept, step)
		}
	}
	return strings.Join(kept, ", ")
}

func TestWhatFailsAroundADeploymentFailsTheHost(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	s.await(s.offer(h.Name, contract.DeployJob{Application: app, Target: s.target(h), Package: s.upload("1.0", 100)}), h.Name)
	next := s.upload("2.0", 100)
	deployed := func(adjust func(*contract.Work)) contract.JobEndedEvent {
		require.Equal(t, "1.0", current(t, h))
		job := contract.DeployJob{Application: app, Work: &contract.Work{}, Target: s.target(h), Package: next}
		adjust(job.Work)
		return s.await(s.offer(h.Name, job), h.Name)
	}
	back := func() {
		require.Equal(t, "succeeded", s.await(s.offer(h.Name, contract.RollbackJob{Application: app, Target: s.target(h), From: "2.0"}), h.Name).State)
	}
	switched := contract.JobEndedEvent{State: "failed", Release: "2.0", Previous: "1.0", Changed: true}
	requireFailed := func(want contract.JobEndedEvent, code, reason string, got contract.JobEndedEvent) {
		t.Helper()
		require.NotNil(t, got.Failure)
		require.Equal(t, code, got.Failure.Code)
		require.Equal(t, reason, got.Failure.Reason)
		got.Failure = nil
		require.Equal(t, want, got)
	}

	requireFailed(contract.JobEndedEvent{State: "failed", Release: "1.0"}, contract.FailCommand,
		"hook \"guard\": the command failed: it ended with status 4\nno", deployed(func(w *contract.Work) {
			w.Hooks = []contract.Hook{{Step: "before", Name: "guard", Command: "echo no; exit 4"}}
		}))
	requireFailed(switched, contract.FailCommand, "hook \"migrate\": the command failed: it ended with status 1\nhalf",
		deployed(func(w *contract.Work) {
			w.Hooks = []contract.Hook{{Step: "during", Name: "migrate", Command: "echo half >&2; exit 1"}}
		}))
	back()
	requireFailed(switched, contract.FailRestart, "the restart failed: the command failed: it ended with status 127\nsh: 1: no-such-program: not found",
		deployed(func(w *contract.Work) { w.Restart = &contract.Restart{Command: "no-such-program"} }))
	back()
	requireFailed(switched, contract.FailCheck, "the check failed: health, try 3 of 3: the command failed: it ended with status 1\n3",
		deployed(func(w *contract.Work) {
			w.Checks = []contract.HostCheck{
				{Name: "first", Command: "true", Tries: 1, Interval: 1, Timeout: 10_000},
				{Name: "health", Command: `echo x >>"$HOME/tries"; wc -l <"$HOME/tries"; exit 1`, Tries: 3, Interval: 1, Timeout: 10_000},
			}
		}))
	back()
	requireFailed(switched, contract.FailDeadline, "hook \"slow\": the time allowed for it is up after 3s",
		deployed(func(w *contract.Work) {
			w.Hooks = []contract.Hook{{Step: "after", Name: "slow", Command: `echo $$ >"$HOME/slow"; exec sleep 600`, Timeout: 3000}}
		}))
	requireEnded(t, filepath.Join(h.Home, "slow"))
	back()
}

func TestACheckIsTriedUntilItPasses(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	work := &contract.Work{Checks: []contract.HostCheck{{
		Name: "warm", Command: `echo x >>"$HOME/tries"; [ "$(wc -l <"$HOME/tries")" -ge 3 ]`, Tries: 5, Delay: 1, Interval: 1, Timeout: 10_000,
	}}}
	id := s.offer(h.Name, contract.DeployJob{Application: app, Work: work, Target: s.target(h), Package: s.upload("1.0", 100)})
	require.Equal(t, "succeeded", s.await(id, h.Name).State)
	var note string
	for _, m := range s.story(id, h.Name) {
		if b, ok := m.Body.(contract.JobStepEvent); ok && b.Step == string(deploy.StepCheck) {
			note = b.Note
		}
	}
	require.Equal(t, "warm passed at try 3", note)
}

func TestWhatReleasesShareIsLinkedBeforeTheSwitch(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	job := contract.DeployJob{
		Application: app, Target: s.target(h), Package: s.upload("1.0", 100),
		Work: &contract.Work{Linked: &contract.Linked{Files: []string{"config/.env"}, Directories: []string{"lib"}}},
	}
	id := s.offer(h.Name, job)
	ended := s.await(id, h.Name)
	require.Equal(t, contract.FailLinkedMissing, ended.Failure.Code)
	require.Contains(t, ended.Failure.Reason, "config/.env")
	require.False(t, ended.Changed)
	require.Empty(t, current(t, h))

	shared := filepath.Join(h.Home, app.Path, "shared")
	require.NoError(t, os.MkdirAll(filepath.Join(shared, "config"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(shared, "config/.env"), []byte("secret"), 0o600))
	require.Equal(t, "succeeded", s.await(s.offer(h.Name, job), h.Name).State)
	content, err := os.ReadFile(filepath.Join(h.Home, app.Path, "current/config/.env"))
	require.NoError(t, err)
	require.Equal(t, "secret", string(content))
	require.NoFileExists(t, filepath.Join(h.Home, app.Path, "current/lib/padding"))
}

func TestNoRollbackGoesToAReleaseThatNeverRanAsItShould(t *testing.T) {
	s := newSystem(t)
	s.executor(nil)
	h := hosttest.Start(t, 1)[0]
	deploy := func(version, check string) string {
		work := &contract.Work{Checks: []contract.HostCheck{{Name: "c", Command: check, Tries: 1, Interval: 1, Timeout: 10_000}}}
		return s.await(s.offer(h.Name, contract.DeployJob{Application: app, Work: work, Target: s.target(h), Package: s.upload(version, 10)}), h.Name).State
	}
	require.Equal(t, "succeeded", deploy("1.0", "true"))
	require.Equal(t, "failed", deploy("2.0", "false"))
	require.Equal(t, "succeeded", deploy("3.0", "true"))
	require.Equal(t, "succeeded", s.await(s.offer(h.Name, contract.RollbackJob{Application: app, Target: s.target(h), From: "3.0"}), h.Name).State)
	require.Equal(t, "1.0", current(t, h))
}
