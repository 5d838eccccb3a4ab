package deploy_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// move is one transition as a replica of the scheduler would make it: decided
// on what it read a while ago, applied to what stands now.
type move func(deploy.Rollout) deploy.Rollout

// history replays a deployment whose outcome per target is given in advance, in
// an order and with repeats that rapid chooses.
type history struct {
	*rapid.T
	targets int
	fails   []int // targets that fail if they are begun
	now     deploy.Rollout
	made    []move // every move so far: any may come again at any time
}

// arrows is the picture at RolloutPhase, with the jump that an early end of a
// wave makes.
var arrows = map[deploy.RolloutPhase][]deploy.RolloutPhase{
	deploy.Planning:    {deploy.Dispatching},
	deploy.Dispatching: {deploy.InProgress, deploy.Dispatching, deploy.Stopping, deploy.Finishing},
	deploy.InProgress:  {deploy.Dispatching, deploy.Stopping, deploy.Finishing},
	deploy.Stopping:    {deploy.Finishing},
	deploy.Finishing:   {deploy.Finished},
}

func newHistory(t *rapid.T) *history {
	h := &history{T: t, targets: rapid.IntRange(1, 450).Draw(t, "targets")}
	waves := rapid.IntRange(1, 9).Draw(t, "waves")
	h.fails = rapid.SliceOfN(rapid.IntRange(0, h.targets-1), 0, 3).Draw(t, "failing targets")
	var err error
	h.now, err = deploy.NewRollout(h.targets, (h.targets+waves-1)/waves)
	require.NoError(t, err)
	return h
}

// ends is how these targets end, all of them having begun.
func (h *history) ends(targets deploy.Range) deploy.Tally {
	var t deploy.Tally
	for i := targets.First; i < targets.First+targets.Count; i++ {
		if slices.Contains(h.fails, i) {
			t.Failed++
		} else {
			t.Succeeded++
		}
	}
	return t
}

// due is every move that somebody may make for the first time now.
func (h *history) due() []move {
	r := h.now
	var due []move
	switch r.Phase {
	case deploy.Planning:
		due = append(due, deploy.Rollout.Planned)
	case deploy.Dispatching:
		due = append(due, func(now deploy.Rollout) deploy.Rollout { return now.Dispatched(r.Wave) })
	case deploy.Stopping:
		due = append(due, deploy.Rollout.Stopped)
	case deploy.Finishing:
		due = append(due, deploy.Rollout.Concluded)
	}
	if r.Active() {
		pieces := r.Waves.At(r.Wave).Pieces()
		for _, p := range r.Open {
			tally := h.ends(pieces[p])
			due = append(due, func(now deploy.Rollout) deploy.Rollout { return now.ClosePiece(r.Wave, p, tally) })
		}
	}
	return due
}

// make applies the move and checks that what it did is legal.
func (h *history) make(m move) {
	before := h.now
	frozen, err := json.Marshal(before)
	require.NoError(h, err)
	h.now = m(before)
	after, err := json.Marshal(before)
	require.NoError(h, err)
	require.Equal(h, string(frozen), string(after), "the record from before is as it was")

	if h.now.Phase != before.Phase {
		require.Contains(h, arrows[before.Phase], h.now.Phase)
	}
	if h.now.Wave != before.Wave {
		require.Equal(h, before.Wave+1, h.now.Wave, "waves come one after another")
		done := before.Waves.At(before.Wave)
		require.Equal(h, deploy.Tally{Succeeded: done.First + done.Count}, h.now.Tally,
			"a wave begins only after the former has ended without a failure")
	}
	require.GreaterOrEqual(h, h.now.Tally.Total(), before.Tally.Total())
	require.Equal(h, h.counted(), h.now.Tally.Total(), "the tally is that of the closed pieces and skipped targets")
	h.made = append(h.made, m)
}

// counted is how many targets the rollout must have counted where it stands.
func (h *history) counted() int {
	r := h.now
	if r.Phase == deploy.Finishing || r.Phase == deploy.Finished {
		return h.targets
	}
	n := r.Waves.At(r.Wave).First + r.Waves.At(r.Wave).Count
	for _, p := range r.Open {
		n -= r.Waves.At(r.Wave).Pieces()[p].Count
	}
	return n
}

// next draws a move: a new one, or one that was made before.
func (h *history) next() move {
	if len(h.made) > 0 && rapid.IntRange(0, 2).Draw(h.T, "repeat") == 0 {
		return h.made[rapid.IntRange(0, len(h.made)-1).Draw(h.T, "which")]
	}
	due := h.due()
	return due[rapid.IntRange(0, len(due)-1).Draw(h.T, "due")]
}

// expected is the end of the deployment, worked out without a rollout.
func (h *history) expected(waves deploy.Waves) (tally deploy.Tally, wave int) {
	for i := range waves.Len() {
		w := waves.At(i)
		if tally.Failed > 0 {
			tally.Skipped += w.Count
			continue
		}
		tally, wave = tally.Add(h.ends(w)), i
	}
	return tally, wave
}

func TestEveryOrderAndRepetitionEndsInTheSameRollout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		for h.now.Phase != deploy.Finished {
			h.make(h.next())
		}
		tally, wave := h.expected(h.now.Waves)
		require.Equal(t, tally, h.now.Tally)
		require.Equal(t, wave, h.now.Wave)
		require.Empty(t, h.now.Open)
		require.Empty(t, h.now.Reason)
		require.Equal(t, tally.Succeeded == h.targets, h.now.Outcome() == deploy.Succeeded)

		finished := h.now
		for _, again := range h.made {
			require.Equal(t, finished, again(finished), "nothing moves a finished rollout")
		}
	})
}

func TestAnAbortEndsARolloutWhereverItStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		for range rapid.IntRange(0, 20).Draw(t, "moves before") {
			if h.now.Phase == deploy.Finished {
				break
			}
			h.make(h.next())
		}
		before := h.now
		aborted := before.Abort("gone")
		require.Equal(t, h.targets, aborted.Tally.Total(), "every target has an outcome")
		if before.Phase == deploy.Finishing || before.Phase == deploy.Finished {
			require.Equal(t, before, aborted)
			return
		}
		require.Equal(t, deploy.Finishing, aborted.Phase)
		require.Equal(t, deploy.Failed, aborted.Outcome())
		require.Equal(t, before.Tally.Succeeded, aborted.Tally.Succeeded)
		require.Equal(t, aborted, aborted.Abort("again"))
		for _, late := range h.made {
			require.Equal(t, aborted, late(aborted), "nothing revives an aborted rollout")
		}
		require.Equal(t, deploy.Finished, aborted.Concluded().Phase)
	})
}

func TestResultsDoNotDependOnTheOrder(t *testing.T) {
	terminal := rapid.SampledFrom([]deploy.State{deploy.Succeeded, deploy.Failed, deploy.Skipped})
	rapid.Check(t, func(t *rapid.T) {
		piece := deploy.Range{First: rapid.IntRange(0, 300).Draw(t, "first"), Count: rapid.IntRange(1, 30).Draw(t, "count")}
		outcomes := rapid.SliceOfN(terminal, piece.Count, piece.Count).Draw(t, "outcomes")
		order := make([]int, 0, 2*piece.Count)
		for i := range outcomes {
			order = append(order, i, i)
		}
		order = rapid.Permutation(order).Draw(t, "order")

		results, want := deploy.NewResults(piece), deploy.Tally{}
		open := map[int]bool{}
		for _, i := range order {
			_, closed := results.Closed()
			require.Equal(t, len(open) == piece.Count, closed)
			var err error
			results, err = results.Record(piece.First+i, outcomes[i])
			require.NoError(t, err)
			open[i] = true
		}
		require.Equal(t, outcomes, results.Outcomes)
		for _, o := range outcomes {
			switch o {
			case deploy.Succeeded:
				want.Succeeded++
			case deploy.Failed:
				want.Failed++
			default:
				want.Skipped++
			}
		}
		tally, closed := results.Closed()
		require.True(t, closed)
		require.Equal(t, want, tally)
	})
}
