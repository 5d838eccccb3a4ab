package deploy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func measured(t *testing.T, r deploy.Rollout, all ...deploy.Measurement) deploy.Rollout {
	t.Helper()
	for _, m := range all {
		now := r.Wake()
		made, due := r.Measures(now)
		require.True(t, due)
		next := r.Measured(made, m, "errors: 0.2", now)
		require.Equal(t, next, next.Measured(made, m, "errors: 0.2", now), "a measurement counts once")
		r = next
	}
	return r
}

func underAnalysis(t *testing.T, hold time.Duration) deploy.Rollout {
	t.Helper()
	p := canary(hold)
	p.Strategy.Analysis = &deploy.Analysis{Interval: time.Minute, Successes: 3, Failures: 1, Inconclusive: 1}
	r := begun(t, 5, p).Note(0, 0, deploy.Tally{Succeeded: 1}, noon)
	require.Equal(t, deploy.Analyzing, r.Status().State)
	require.Equal(t, noon.Add(time.Minute), r.Wake())
	_, due := r.Measures(noon)
	require.False(t, due)
	return r
}

func TestMeasurementsPromoteACanary(t *testing.T) {
	r := measured(t, underAnalysis(t, 0), deploy.Passed, deploy.Missed, deploy.Inconclusive, deploy.Passed, deploy.Inconclusive)
	require.Equal(t, "2 of 3 measurements passed, 1 failed; the last: errors: 0.2", r.Status().Reason)
	r = measured(t, r, deploy.Passed)
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Equal(t, deploy.AnalysisActor, r.PromotedBy)
}

func TestMeasurementsRejectACanary(t *testing.T) {
	r := measured(t, underAnalysis(t, 0), deploy.Missed, deploy.Missed)
	require.Equal(t, deploy.Halting, r.Status().State)
	require.Equal(t, deploy.CauseAnalysis, r.Status().Cause)
	require.Contains(t, r.Status().Reason, "2 failed")
	r = measured(t, underAnalysis(t, 0), deploy.Inconclusive, deploy.Inconclusive)
	require.Contains(t, r.Status().Reason, "could not be measured")
}

func TestAPersonMayJudgeDuringAnAnalysisAndAfterIt(t *testing.T) {
	on := control(t, underAnalysis(t, 0), deploy.Control{Verb: deploy.Promote, By: "ada"})
	require.Equal(t, deploy.Dispatching, on.Phase)
	no := control(t, underAnalysis(t, 0), deploy.Control{Verb: deploy.Reject, By: "ada"})
	require.Equal(t, deploy.CauseCanaryRejected, no.Status().Cause)
	asked := measured(t, underAnalysis(t, time.Hour), deploy.Passed, deploy.Passed, deploy.Passed)
	require.Equal(t, deploy.Holding, asked.Status().State, "a person has the last word where one was asked for")
	require.Equal(t, noon.Add(3*time.Minute+time.Hour), asked.Wake())
}

func TestAFailedDeploymentIsTakenBack(t *testing.T) {
	r := begun(t, 4, withBudget(rolling(2), 0, deploy.OverrunReverts)).Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon)
	r = r.Stopped(deploy.Tally{})
	require.Equal(t, deploy.GoingBack, r.Phase)
	require.Equal(t, deploy.Reverting, r.Status().State)
	require.True(t, r.Wake().IsZero())
	r = r.RevertAs("r1").RevertAs("r2")
	require.Equal(t, "r1", r.Status().Revert, "the first name counts")
	require.Equal(t, r, r.Reverted(deploy.Running), "that is no end")
	for how, words := range map[deploy.State]string{deploy.Succeeded: "was taken back", deploy.Failed: "NOT all", deploy.Skipped: "nothing had to be"} {
		end := r.Reverted(how)
		require.Equal(t, deploy.Finishing, end.Phase)
		require.Equal(t, deploy.Failed, end.Outcome().State)
		require.Equal(t, deploy.CauseBudget, end.Outcome().Cause)
		require.Contains(t, end.Outcome().Reason, words)
		require.Equal(t, end, end.Reverted(deploy.Failed), "the first end counts")
	}
}

func TestWhatIsTakenBackAndWhatIsNot(t *testing.T) {
	p := withBudget(rolling(2), 0, deploy.OverrunReverts)
	last := begun(t, 2, p).Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon).Stopped(deploy.Tally{})
	require.Equal(t, deploy.GoingBack, last.Phase, "also where the last host failed")

	cancelled := control(t, begun(t, 4, p).Note(0, 0, deploy.Tally{Succeeded: 1}, noon), deploy.Control{Verb: deploy.Cancel})
	cancelled = cancelled.Stopped(deploy.Tally{}).Note(0, 0, deploy.Tally{Succeeded: 1, Cancelled: 1}, noon)
	require.Equal(t, deploy.Finishing, cancelled.Phase, "a person decides what follows a cancel")

	good := begun(t, 2, p).Note(0, 0, deploy.Tally{Succeeded: 2}, noon)
	require.Equal(t, deploy.Finishing, good.Phase)

	p.Deadline = time.Hour
	never := rollout(t, 2, p).Planned(noon).Tick(noon.Add(time.Hour)).Stopped(deploy.Tally{})
	require.Equal(t, deploy.Draining, never.Phase)
	never = never.Note(0, 0, deploy.Tally{Skipped: 2}, noon)
	require.Equal(t, deploy.Finishing, never.Phase, "nothing had begun")
}

func TestARolloutWaitsForAPlaceAmongThoseThatMayBeUnderWay(t *testing.T) {
	r := rollout(t, 2, deploy.Policy{})
	r.Slot = deploy.SlotWanted
	r = r.Planned(noon)
	require.Equal(t, deploy.Status{State: deploy.Waiting, Cause: deploy.CauseLimit}, r.Status())
	require.Equal(t, r, r.Tick(noon.Add(time.Hour)))
	r = r.Granted(noon)
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Equal(t, r, r.Granted(noon))
}

func TestAPlaceIsForOneThatCanBegin(t *testing.T) {
	p := deploy.Policy{Calendar: &deploy.Calendar{Zone: "UTC", Windows: []deploy.Window{{Days: everyDay, From: 12 * 60, To: 13 * 60}}}}
	r := rollout(t, 2, p)
	r.Slot = deploy.SlotWanted
	r = r.Planned(noon)
	require.Equal(t, deploy.Waiting, r.Status().State)
	closed := r.Granted(noon.Add(2 * time.Hour))
	require.Equal(t, deploy.SlotWanted, closed.Slot)
	require.Equal(t, deploy.Status{State: deploy.Scheduled, Cause: deploy.CauseWindow, Until: noon.Add(24 * time.Hour)}, closed.Status())
	again := closed.Tick(noon.Add(24 * time.Hour))
	require.Equal(t, deploy.Waiting, again.Status().State, "it waits for a place again")
	require.Equal(t, deploy.Dispatching, again.Granted(noon.Add(24*time.Hour)).Phase)
}

func TestWhatIsTakenBackCannotBeCancelled(t *testing.T) {
	r := begun(t, 4, withBudget(rolling(2), 0, deploy.OverrunReverts)).Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon)
	requireRefused(t, r, deploy.Control{Verb: deploy.Cancel, By: "ada"})
}

func TestSkippedHostsMakeRoomForNoOthers(t *testing.T) {
	p := deploy.Policy{Strategy: deploy.Strategy{MaxParallel: 5}}
	r := begun(t, 100, p).EndedAhead().Note(0, 0, deploy.Tally{Skipped: 50, Beyond: 50}, noon)
	require.Equal(t, 5, r.Let)
	r = r.Note(0, 0, deploy.Tally{Skipped: 50, Succeeded: 1, Beyond: 50}, noon)
	require.Equal(t, 6, r.Let)
}

func TestPlacesAreGivenWithinTheLimits(t *testing.T) {
	limits := deploy.Limits{All: 3, Project: 2}
	var s deploy.Slots
	enter := func(id, project string, want bool) {
		t.Helper()
		next, in := s.Enter(limits, deploy.Holder{Deployment: id, Project: project})
		require.Equal(t, want, in)
		s = next
	}
	enter("a", "shop", true)
	enter("a", "shop", true)
	enter("b", "shop", true)
	enter("c", "shop", false)
	enter("d", "blog", true)
	enter("e", "blog", false)
	s = s.Leave("a").Leave("nobody")
	require.False(t, s.Has("a"))
	enter("c", "shop", true)
	require.Len(t, s.Holders, 3)
	require.True(t, deploy.Limits{}.None())
	require.True(t, s.Room(deploy.Limits{}, "shop"))
}

func TestWhatKeepsADeploymentFromComingOnIsSaid(t *testing.T) {
	p := rolling(3)
	p.Progress = 10 * time.Minute
	r := begun(t, 6, p)
	require.Equal(t, r, r.Look(deploy.Seen{}, noon.Add(9*time.Minute)))
	stuck := r.Look(deploy.Seen{}, noon.Add(10*time.Minute))
	require.Equal(t, deploy.CauseNoProgress, stuck.Status().Cause)
	require.Equal(t, deploy.Running, stuck.Status().State)
	require.Contains(t, stuck.Status().Reason, "3 of the wave have not ended")
	require.Equal(t, r, stuck.Look(deploy.Seen{Last: noon.Add(11 * time.Minute)}, noon.Add(12*time.Minute)), "it goes on again")
	require.Nil(t, stuck.Note(0, 0, deploy.Tally{Succeeded: 1}, noon).Trouble)

	alone := r.Look(deploy.Seen{NoExecutor: []string{"dmz"}}, noon)
	require.Equal(t, deploy.Status{State: deploy.Running, Cause: deploy.CauseNoExecutor, Reason: "no executor serves the zone dmz"}, alone.Status())
	require.NotNil(t, alone.Note(0, 0, deploy.Tally{Succeeded: 1}, noon).Trouble)
	require.Equal(t, r, alone.Look(deploy.Seen{}, noon))
}

func TestAHostThatWasSkippedIsNoFailure(t *testing.T) {
	r := begun(t, 4, withBudget(rolling(2), 0, "")).Note(0, 0, deploy.Tally{Succeeded: 1, Skipped: 1}, noon)
	require.Equal(t, 1, r.Wave)
	r = r.EndedAhead()
	require.True(t, r.Ahead)
	r = r.Note(1, 0, deploy.Tally{Skipped: 2}, noon)
	require.Equal(t, deploy.Succeeded, r.Outcome().State)

	stopped := control(t, begun(t, 6, rolling(2)), deploy.Control{Verb: deploy.Cancel}).Stopped(deploy.Tally{Skipped: 1})
	require.Equal(t, deploy.Tally{Skipped: 1, Cancelled: 3}, stopped.Ended())
}
