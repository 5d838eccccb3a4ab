package deploy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

func rollout(t *testing.T, targets, waveSize int) deploy.Rollout {
	t.Helper()
	r, err := deploy.NewRollout(targets, waveSize)
	require.NoError(t, err)
	return r
}

func TestADeploymentNeedsTargets(t *testing.T) {
	for _, targets := range []int{0, -1} {
		_, err := deploy.NewRollout(targets, 0)
		require.ErrorIs(t, err, deploy.ErrInvalidPlan)
	}
}

func TestARolloutGoesWaveByWaveToItsEnd(t *testing.T) {
	r := rollout(t, 5, 2)
	require.Equal(t, deploy.Planning, r.Phase)
	require.False(t, r.Active())
	r = r.Planned()
	for wave, size := range []int{2, 2, 1} {
		require.Equal(t, deploy.Dispatching, r.Phase)
		require.Equal(t, wave, r.Wave)
		require.True(t, r.Active())
		r = r.Dispatched(wave)
		require.Equal(t, deploy.InProgress, r.Phase)
		require.True(t, r.Active())
		r = r.ClosePiece(wave, 0, deploy.Tally{Succeeded: size})
	}
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Tally{Succeeded: 5}, r.Tally)
	r = r.Concluded()
	require.Equal(t, deploy.Finished, r.Phase)
	require.Equal(t, deploy.Succeeded, r.Outcome())
}

func TestAFailedWaveSkipsTheRestExactly(t *testing.T) {
	r := rollout(t, 7, 3).Planned().Dispatched(0).
		ClosePiece(0, 0, deploy.Tally{Succeeded: 2, Failed: 1})
	require.Equal(t, deploy.Stopping, r.Phase)
	require.Equal(t, deploy.Range{First: 3, Count: 4}, r.Remaining())
	r = r.Stopped()
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, deploy.Tally{Succeeded: 2, Failed: 1, Skipped: 4}, r.Tally)
	require.Equal(t, deploy.Failed, r.Outcome())
}

func TestAFailureInTheLastWaveSkipsNobody(t *testing.T) {
	r := rollout(t, 4, 2).Planned().Dispatched(0).ClosePiece(0, 0, deploy.Tally{Succeeded: 2}).
		Dispatched(1).ClosePiece(1, 0, deploy.Tally{Succeeded: 1, Failed: 1})
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Zero(t, r.Remaining().Count)
	require.Equal(t, deploy.Tally{Succeeded: 3, Failed: 1}, r.Tally)
	require.Equal(t, deploy.Failed, r.Outcome())
}

// Jobs end as soon as they are published; a wave can be over before the
// scheduler has noted that it published the last of them.
func TestAWaveMayCloseWhileItIsDispatched(t *testing.T) {
	r := rollout(t, 4, 2).Planned().ClosePiece(0, 0, deploy.Tally{Succeeded: 2})
	require.Equal(t, deploy.Dispatching, r.Phase)
	require.Equal(t, 1, r.Wave)
	require.Equal(t, r, r.Dispatched(0), "the note about the wave before comes too late")
}

func TestAWaveOfManyPiecesEndsWithTheLast(t *testing.T) {
	r := rollout(t, 2*deploy.PieceSize+1, 0).Planned().Dispatched(0)
	require.Equal(t, []int{0, 1, 2}, r.Open)
	full := deploy.Tally{Succeeded: deploy.PieceSize}
	r = r.ClosePiece(0, 1, full)
	require.Equal(t, []int{0, 2}, r.Open)
	require.Equal(t, r, r.ClosePiece(0, 1, full), "closed before")
	require.Equal(t, r, r.ClosePiece(0, 9, full), "no such piece")
	require.Equal(t, r, r.ClosePiece(1, 0, full), "another wave")
	r = r.ClosePiece(0, 2, deploy.Tally{Failed: 1}).ClosePiece(0, 0, full)
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, r.Targets(), r.Tally.Total())
}

func TestAbortCountsWhatHasNotEndedAsFailed(t *testing.T) {
	r := rollout(t, 6, 2).Planned().Dispatched(0).ClosePiece(0, 0, deploy.Tally{Succeeded: 2}).Abort("no snapshot")
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, "no snapshot", r.Reason)
	require.Equal(t, deploy.Tally{Succeeded: 2, Failed: 4}, r.Tally)
	require.Equal(t, deploy.Failed, r.Outcome())
	require.False(t, r.Active())
}

// A replica that was slow may find the snapshot gone because the deployment has
// ended: that is no reason to abort it.
func TestAbortChangesNothingOnceTheOutcomeStands(t *testing.T) {
	r := rollout(t, 2, 0).Planned().Dispatched(0).ClosePiece(0, 0, deploy.Tally{Succeeded: 2})
	require.Equal(t, deploy.Finishing, r.Phase)
	require.Equal(t, r, r.Abort("too late"))
	r = r.Concluded()
	require.Equal(t, r, r.Abort("far too late"))
	require.Equal(t, deploy.Succeeded, r.Outcome())
}

func TestLocateFindsWaveAndPiece(t *testing.T) {
	r := rollout(t, 400, 150)
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
	first, err := results.Record(151, deploy.Failed)
	require.NoError(t, err)
	require.Equal(t, deploy.State(""), results.Ended(151), "what was there before is as it was")
	second, err := first.Record(151, deploy.Succeeded)
	require.NoError(t, err)
	require.Equal(t, deploy.Failed, second.Ended(151))
	require.Equal(t, deploy.State(""), second.Ended(150))

	_, closed := second.Closed()
	require.False(t, closed)
	all, err := second.Record(150, deploy.Skipped)
	require.NoError(t, err)
	tally, closed := all.Closed()
	require.True(t, closed)
	require.Equal(t, deploy.Tally{Failed: 1, Skipped: 1}, tally)
}

func TestResultsRefuseWhatIsNoOutcome(t *testing.T) {
	results := deploy.NewResults(deploy.Range{First: 150, Count: 2})
	for _, outside := range []int{149, 152, -1} {
		got, err := results.Record(outside, deploy.Failed)
		require.ErrorIs(t, err, deploy.ErrNoSuchTarget)
		require.Equal(t, results, got)
	}
	for _, state := range []deploy.State{deploy.Running, deploy.Pending, deploy.Accepted, "", "done"} {
		got, err := results.Record(150, state)
		require.ErrorIs(t, err, deploy.ErrNotTerminal)
		require.Equal(t, results, got)
	}
}
