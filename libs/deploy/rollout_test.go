package deploy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// noon is when everything in these tests happens.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func rollout(t *testing.T, targets int, p deploy.Policy) deploy.Rollout {
	t.Helper()
	r, err := deploy.NewRollout(targets, p, "ada")
	require.NoError(t, err)
	return r
}

func rolling(batch int) deploy.Policy {
	return deploy.Policy{Strategy: deploy.Strategy{Kind: deploy.Rolling, Batch: deploy.Amount{Count: batch}}}
}

func withBudget(p deploy.Policy, total int, then deploy.Overrun) deploy.Policy {
	p.Budget.Total, p.Budget.Then = &deploy.Amount{Count: total}, then
	return p
}

func canary(hold time.Duration) deploy.Policy {
	return deploy.Policy{Strategy: deploy.Strategy{Kind: deploy.Canary, First: deploy.Amount{Count: 1}, Hold: hold}}
}

// begun plans a rollout and dispatches what may begin.
func begun(t *testing.T, targets int, p deploy.Policy) deploy.Rollout {
	t.Helper()
	return dispatched(rollout(t, targets, p).Planned(noon))
}

func dispatched(r deploy.Rollout) deploy.Rollout { return r.Dispatched(r.Wave, r.Let) }

func control(t *testing.T, r deploy.Rollout, c deploy.Control) deploy.Rollout {
	t.Helper()
	next, err := r.Control(c, noon)
	require.NoError(t, err)
	again, err := next.Control(c, noon)
	require.NoError(t, err, "asking again is no error")
	require.Equal(t, next, again, "and changes nothing")
	return next
}

func requireRefused(t *testing.T, r deploy.Rollout, c deploy.Control) {
	t.Helper()
	next, err := r.Control(c, noon)
	var refused *deploy.RefusedError
	require.ErrorAs(t, err, &refused)
	require.NotEmpty(t, refused.Message)
	require.Equal(t, r, next)
}

func TestADeploymentNeedsTargets(t *testing.T) {
	for _, targets := range []int{0, -1} {
		_, err := deploy.NewRollout(targets, deploy.Policy{}, "")
		require.ErrorIs(t, err, deploy.ErrInvalidPlan)
	}
}

func TestARolloutGoesWaveByWaveToItsEnd(t *testing.T) {
	r := rollout(t, 5, rolling(2))
	require.Equal(t, deploy.Accepted, r.Status().State)
	r = r.Planned(noon)
	for wave, size := range []int{2, 2, 1} {
		require.Equal(t, deploy.Dispatching, r.Phase)
		require.Equal(t, wave, r.Wave)
		require.Equal(t, size, r.Let)
		r = dispatched(r)
		require.Equal(t, deploy.InProgress, r.Phase)
		require.Equal(t, deploy.Running, r.Status().State)
		r = r.Note(wave, 0, deploy.Tally{Succeeded: size}, noon)
	}
	require.Equal(t, deploy.Finishing, r.Phase)
	r = r.Concluded()
	require.Equal(t, deploy.Finished, r.Phase)
	require.Equal(t, deploy.Succeeded, r.Status().State)
}

func TestOnlySoManyHostsAreAtWorkAtOnce(t *testing.T) {
	p := deploy.Policy{Strategy: deploy.Strategy{MaxParallel: 3}}
	r := rollout(t, 10, p).Planned(noon)
	require.Equal(t, 3, r.Let)
	r = dispatched(r).Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon)
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Equal(t, 5, r.Let)
	require.Equal(t, deploy.Dispatching, r.Dispatched(0, 3).Phase, "what was let meanwhile is still to be dispatched")
	require.Equal(t, deploy.InProgress, r.Dispatched(0, 5).Phase)
}

func TestWithoutABudgetOneBadHostDoesNotAbortTheRest(t *testing.T) {
	r := begun(t, 3, deploy.Policy{}).Note(0, 0, deploy.Tally{Failed: 2}, noon).
		Note(0, 0, deploy.Tally{Failed: 2, Succeeded: 1}, noon)
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Ending{State: deploy.Failed, Cause: deploy.CauseHosts}, r.Outcome())
}

func TestABudgetThatIsSpentStopsTheRollout(t *testing.T) {
	r := begun(t, 7, withBudget(rolling(3), 0, "")).Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon)
	require.Equal(t, deploy.Stopping, r.Phase)
	require.Equal(t, deploy.Halting, r.Status().State)
	require.Equal(t, deploy.CauseBudget, r.Status().Cause)
	require.Equal(t, deploy.Range{First: 0, Count: 7}, r.Unbegun())
	r = r.Stopped(deploy.Tally{})
	require.Equal(t, deploy.Draining, r.Phase, "one of the wave has not ended")
	r = r.Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1, Skipped: 1}, noon)
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Tally{Succeeded: 1, Failed: 1, Skipped: 5}, r.Ended())
	require.Equal(t, deploy.Failed, r.Outcome().State)
}

func TestABudgetOfABatchLooksAtTheBatchAlone(t *testing.T) {
	p := rolling(2)
	p.Budget.Batch = &deploy.Amount{Count: 1}
	r := begun(t, 6, p)
	for wave := range 3 {
		require.Equal(t, wave, r.Wave)
		r = dispatched(r).Note(wave, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon)
	}
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.CauseHosts, r.Outcome().Cause)
}

func TestABudgetThatIsSpentWithTheLastHostStopsNothing(t *testing.T) {
	r := begun(t, 2, withBudget(rolling(2), 0, "")).Note(0, 0, deploy.Tally{Succeeded: 1, Failed: 1}, noon)
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.CauseHosts, r.Outcome().Cause)
}

func TestASpentBudgetMayWaitForAPerson(t *testing.T) {
	r := begun(t, 4, withBudget(rolling(2), 0, deploy.OverrunPauses)).Note(0, 0, deploy.Tally{Failed: 1}, noon)
	require.Equal(t, deploy.Paused, r.Status().State)
	r = r.Note(0, 0, deploy.Tally{Failed: 1, Succeeded: 1}, noon)
	require.Equal(t, deploy.Held, r.Phase, "the next wave does not begin")
	require.Equal(t, deploy.Paused, r.Status().State)
	r = control(t, r, deploy.Control{Verb: deploy.Resume, By: "ada"})
	require.Equal(t, deploy.Dispatching, r.Phase)
	r = dispatched(r).Note(1, 0, deploy.Tally{Succeeded: 1}, noon)
	require.Equal(t, deploy.Running, r.Status().State, "the failure before was accepted")
	r = r.Note(1, 0, deploy.Tally{Succeeded: 2}, noon)
	require.Equal(t, deploy.Failed, r.Outcome().State)
}

func TestUnreachableHostsMayBeLeftOutOfAccount(t *testing.T) {
	r := begun(t, 2, withBudget(rolling(1), 0, "")).Note(0, 0, deploy.Tally{Failed: 1, Excused: 1}, noon)
	require.Equal(t, 1, r.Wave)
	r = dispatched(r).Note(1, 0, deploy.Tally{Succeeded: 1}, noon)
	require.Equal(t, deploy.Succeeded, r.Outcome().State)
}

func TestARolloutStopsBeforeTooFewHostsAreHealthy(t *testing.T) {
	p := rolling(4)
	p.Strategy.MinHealthy = deploy.Amount{Percent: 75}
	r := rollout(t, 8, p).Planned(noon)
	require.Equal(t, 2, r.Let)
	r = dispatched(r).Note(0, 0, deploy.Tally{Failed: 1}, noon)
	require.Equal(t, 2, r.Let, "one is at work, one has failed")
	r = r.Note(0, 0, deploy.Tally{Failed: 2}, noon)
	require.Equal(t, deploy.Stopping, r.Phase)
	require.Equal(t, deploy.CauseUnhealthy, r.Status().Cause)
}

func TestACanaryWaitsForAVerdict(t *testing.T) {
	held := begun(t, 5, canary(time.Hour)).Note(0, 0, deploy.Tally{Succeeded: 1}, noon)
	require.Equal(t, deploy.Status{State: deploy.Holding, Cause: deploy.CauseCanary, Until: noon.Add(time.Hour)}, held.Status())
	require.Equal(t, held, held.Tick(noon.Add(time.Minute)))

	on := control(t, held, deploy.Control{Verb: deploy.Promote, By: "ada"})
	require.Equal(t, deploy.Dispatching, on.Phase)
	require.Equal(t, 4, on.Let)
	requireRefused(t, on, deploy.Control{Verb: deploy.Reject})

	no := control(t, held, deploy.Control{Verb: deploy.Reject, By: "ada", Reason: "slow"})
	require.Equal(t, deploy.Status{State: deploy.Halting, Cause: deploy.CauseCanaryRejected, Reason: "slow", By: "ada"}, no.Status())
	no = no.Stopped(deploy.Tally{})
	require.Equal(t, deploy.Finishing, no.Phase)
	require.Equal(t, deploy.Tally{Succeeded: 1, Skipped: 4}, no.Ended())
	require.Equal(t, deploy.Failed, no.Outcome().State)

	late := held.Tick(noon.Add(time.Hour))
	require.Equal(t, deploy.CauseCanaryTimeout, late.Status().Cause)
}

func TestAPlanWaitsForApproval(t *testing.T) {
	p := deploy.Policy{Approval: &deploy.Approval{Digest: "d1", NotRequester: true, Expires: noon.Add(time.Hour)}}
	held := rollout(t, 2, p).Planned(noon)
	require.Equal(t, deploy.AwaitingApproval, held.Status().State)
	requireRefused(t, held, deploy.Control{Verb: deploy.Approve, By: "bob", Digest: "d2"})
	requireRefused(t, held, deploy.Control{Verb: deploy.Approve, By: "ada", Digest: "d1"})
	on := control(t, held, deploy.Control{Verb: deploy.Approve, By: "bob", Digest: "d1"})
	require.Equal(t, deploy.Dispatching, on.Phase)
	no := control(t, held, deploy.Control{Verb: deploy.Reject, By: "ada"})
	require.Equal(t, deploy.Rejected, no.Stopped(deploy.Tally{}).Concluded().Status().State)
	require.Equal(t, deploy.Rejected, held.Tick(noon.Add(time.Hour)).Stopped(deploy.Tally{}).Outcome().State)
	requireRefused(t, rollout(t, 2, deploy.Policy{}), deploy.Control{Verb: deploy.Approve, By: "bob"})
}

func TestARolloutWaitsForItsTimeAndPausesBetweenWaves(t *testing.T) {
	p := rolling(1)
	p.StartAt, p.Strategy.Pause = noon.Add(time.Hour), time.Minute
	r := rollout(t, 2, p).Planned(noon)
	require.Equal(t, deploy.Status{State: deploy.Scheduled, Until: p.StartAt}, r.Status())
	require.Equal(t, p.StartAt, r.Wake())
	r = dispatched(r.Tick(p.StartAt)).Note(0, 0, deploy.Tally{Succeeded: 1}, p.StartAt)
	require.Equal(t, deploy.Held, r.Phase)
	require.Equal(t, p.StartAt.Add(time.Minute), r.Wake())
	require.Equal(t, deploy.Dispatching, r.Tick(r.Wake()).Phase)
}

func TestADeadlineStopsARollout(t *testing.T) {
	p := rolling(1)
	p.Deadline = time.Hour
	r := begun(t, 2, p)
	require.Equal(t, noon.Add(time.Hour), r.Wake())
	require.False(t, r.Due(noon))
	r = r.Tick(noon.Add(time.Hour))
	require.Equal(t, deploy.CauseDeadline, r.Status().Cause)
	require.True(t, r.Wake().IsZero())
}

func TestACancelledRolloutLetsWhatRunsEnd(t *testing.T) {
	r := control(t, begun(t, 5, rolling(2)), deploy.Control{Verb: deploy.Cancel, By: "ada"})
	require.Equal(t, deploy.Stopping, r.Phase)
	r = r.Note(0, 0, deploy.Tally{Succeeded: 1, Cancelled: 1}, noon)
	require.Equal(t, deploy.Stopping, r.Phase, "the others are still to be told")
	r = r.Stopped(deploy.Tally{})
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Tally{Succeeded: 1, Cancelled: 4}, r.Ended())
	require.Equal(t, deploy.Cancelled, r.Concluded().Status().State)
	requireRefused(t, r, deploy.Control{Verb: deploy.PauseIt})
}

func TestACancelThatComesTooLateChangesNothing(t *testing.T) {
	r := control(t, begun(t, 2, deploy.Policy{}), deploy.Control{Verb: deploy.Cancel}).Stopped(deploy.Tally{})
	r = r.Note(0, 0, deploy.Tally{Succeeded: 2}, noon)
	require.Equal(t, deploy.Ending{State: deploy.Succeeded}, r.Outcome())
}

func TestACancelBeforeThePlanIsToldWaitsForIt(t *testing.T) {
	r := control(t, rollout(t, 2, deploy.Policy{}), deploy.Control{Verb: deploy.Cancel})
	require.Equal(t, deploy.Planning, r.Phase)
	r = r.Planned(noon)
	require.Equal(t, deploy.Stopping, r.Phase)
	require.Equal(t, deploy.Tally{Cancelled: 2}, r.Stopped(deploy.Tally{}).Ended())
}

func TestAPausedRolloutLetsNothingBegin(t *testing.T) {
	p := deploy.Policy{Strategy: deploy.Strategy{MaxParallel: 2}}
	r := control(t, begun(t, 4, p), deploy.Control{Verb: deploy.PauseIt, By: "ada", Reason: "lunch"})
	require.Equal(t, deploy.Status{State: deploy.Paused, Cause: deploy.CausePaused, Reason: "lunch", By: "ada"}, r.Status())
	r = r.Note(0, 0, deploy.Tally{Succeeded: 2}, noon)
	require.Equal(t, 2, r.Let)
	r = control(t, r, deploy.Control{Verb: deploy.Resume})
	require.Equal(t, 4, r.Let)
	require.Equal(t, deploy.Dispatching, r.Phase)
}

// Jobs end as soon as they are published; a wave can be over before the
// scheduler has noted that it published the last of them.
func TestAWaveMayCloseWhileItIsDispatched(t *testing.T) {
	r := rollout(t, 4, rolling(2)).Planned(noon).Note(0, 0, deploy.Tally{Succeeded: 2}, noon)
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Equal(t, 1, r.Wave)
	require.Equal(t, r, r.Dispatched(0, 2), "the note about the wave before comes too late")
}

func TestAbortCountsWhatHasNotEndedAsFailed(t *testing.T) {
	r := begun(t, 6, rolling(2)).Note(0, 0, deploy.Tally{Succeeded: 2}, noon).Abort("no snapshot")
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Tally{Succeeded: 2, Failed: 4}, r.Ended())
	require.Equal(t, deploy.Ending{State: deploy.Failed, Cause: deploy.CauseBroken, Reason: "no snapshot"}, r.Outcome())
}

// A replica that was slow may find the snapshot gone because the deployment has
// ended: that is no reason to abort it.
func TestAbortChangesNothingOnceTheOutcomeStands(t *testing.T) {
	r := begun(t, 2, deploy.Policy{}).Note(0, 0, deploy.Tally{Succeeded: 2}, noon)
	require.Equal(t, r, r.Abort("too late"))
	require.Equal(t, r.Concluded(), r.Concluded().Abort("far too late"))
}

func TestLocateFindsWaveAndPiece(t *testing.T) {
	r := rollout(t, 400, rolling(150))
	cases := []struct{ target, wave, piece int }{
		{0, 0, 0}, {99, 0, 0}, {100, 0, 1}, {149, 0, 1}, {150, 1, 0}, {249, 1, 0}, {250, 1, 1}, {399, 2, 0},
	}
	for _, c := range cases {
		wave, piece, err := r.Locate(c.target)
		require.NoError(t, err)
		require.Equal(t, c.wave, wave, "wave of target %d", c.target)
		require.Equal(t, c.piece, piece, "piece of target %d", c.target)
		require.True(t, r.Waves.At(wave).Pieces()[piece].Contains(c.target))
	}
	for _, outside := range []int{-1, 400} {
		_, _, err := r.Locate(outside)
		require.ErrorIs(t, err, deploy.ErrNoSuchTarget)
	}
}

func TestTheFirstOutcomeOfATargetStands(t *testing.T) {
	results := deploy.NewResults(deploy.Range{First: 150, Count: 2})
	first, err := results.Record(151, deploy.Failed, true)
	require.NoError(t, err)
	require.Equal(t, deploy.State(""), results.Ended(151), "what was there before is as it was")
	second, err := first.Record(151, deploy.Succeeded, false)
	require.NoError(t, err)
	require.Equal(t, deploy.Failed, second.Ended(151))
	require.Equal(t, deploy.State(""), second.Ended(150))
	all, err := second.Record(150, deploy.Skipped, true)
	require.NoError(t, err)
	require.Equal(t, deploy.Tally{Failed: 1, Skipped: 1, Excused: 1}, all.Tally(152))
	require.Equal(t, 1, all.Tally(151).Beyond)
}

func TestResultsRefuseWhatIsNoOutcome(t *testing.T) {
	results := deploy.NewResults(deploy.Range{First: 150, Count: 2})
	for _, outside := range []int{149, 152, -1} {
		got, err := results.Record(outside, deploy.Failed, false)
		require.ErrorIs(t, err, deploy.ErrNoSuchTarget)
		require.Equal(t, results, got)
	}
	for _, state := range []deploy.State{deploy.Running, deploy.Pending, deploy.Accepted, "", "done"} {
		got, err := results.Record(150, state, false)
		require.ErrorIs(t, err, deploy.ErrNotTerminal)
		require.Equal(t, results, got)
	}
}

// The reply may be lost, and the deployment over before the request comes again.
func TestWhatWasDoneIsNotRefusedOnceTheDeploymentHasEnded(t *testing.T) {
	again := func(r deploy.Rollout, verb deploy.Verb) {
		t.Helper()
		require.True(t, r.Over())
		next, err := r.Control(deploy.Control{Verb: verb, By: "ada", Digest: "d"}, noon)
		require.NoError(t, err)
		require.Equal(t, r, next)
	}

	never := begun(t, 1, deploy.Policy{}).Note(0, 0, deploy.Tally{Succeeded: 1}, noon).Concluded()
	requireRefused(t, never, deploy.Control{Verb: deploy.Promote})
	requireRefused(t, never, deploy.Control{Verb: deploy.Approve})

	held := begun(t, 2, canary(time.Hour)).Note(0, 0, deploy.Tally{Succeeded: 1}, noon)
	promoted := control(t, held, deploy.Control{Verb: deploy.Promote, By: "ada"})
	promoted = dispatched(promoted).Note(1, 0, deploy.Tally{Succeeded: 1}, noon).Concluded()
	again(promoted, deploy.Promote)
	requireRefused(t, promoted, deploy.Control{Verb: deploy.Reject})

	rejected := control(t, held, deploy.Control{Verb: deploy.Reject, By: "ada"}).Stopped(deploy.Tally{}).Concluded()
	again(rejected, deploy.Reject)
	requireRefused(t, rejected, deploy.Control{Verb: deploy.Promote})

	approval := deploy.Policy{Approval: &deploy.Approval{Digest: "d", Expires: noon.Add(time.Hour)}}
	approved := control(t, rollout(t, 1, approval).Planned(noon), deploy.Control{Verb: deploy.Approve, By: "ada", Digest: "d"})
	again(dispatched(approved).Note(0, 0, deploy.Tally{Succeeded: 1}, noon).Concluded(), deploy.Approve)
	again(control(t, held, deploy.Control{Verb: deploy.Cancel}).Stopped(deploy.Tally{}).Concluded(), deploy.Cancel)
}
