package deploy_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
)

// world is a scheduler and its executors, played by rapid: hosts begin and end in
// any order, people ask for anything at any time, the clock goes on, and every
// input may come again at any time.
type world struct {
	*rapid.T
	now     time.Time
	r       deploy.Rollout
	begun   map[int]bool         // by target: an executor took its job
	ended   map[int]deploy.State // by target: the one terminal event
	skipped map[int]bool         // by target: a person did not want it
	made    []deploy.Move        // every move so far
}

func newWorld(t *rapid.T) *world {
	targets := rapid.IntRange(1, 260).Draw(t, "targets")
	p := deploy.Policy{Strategy: strategies(targets).Draw(t, "strategy")}
	s := &p.Strategy
	s.MaxParallel = rapid.SampledFrom([]int{0, 1, 7, 150}).Draw(t, "parallel")
	s.Pause = rapid.SampledFrom([]time.Duration{0, time.Minute}).Draw(t, "pause")
	if s.Kind == deploy.BlueGreen {
		s.Keep = rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(t, "keep")
	}
	if s.Kind == deploy.Canary || s.Kind == deploy.BlueGreen {
		s.Hold = rapid.SampledFrom([]time.Duration{0, time.Hour}).Draw(t, "hold")
		if rapid.Bool().Draw(t, "analysis") {
			s.Analysis = &deploy.Analysis{Interval: time.Minute, Successes: 2, Failures: 1, Inconclusive: 1}
		}
	}
	if rapid.Bool().Draw(t, "min healthy") {
		s.MinHealthy = deploy.Amount{Percent: rapid.IntRange(1, 99).Draw(t, "healthy")}
	}
	if rapid.Bool().Draw(t, "budget") {
		p.Budget.Total = &deploy.Amount{Count: rapid.IntRange(0, 5).Draw(t, "total")}
		p.Budget.Then = rapid.SampledFrom([]deploy.Overrun{"", deploy.OverrunStops, deploy.OverrunPauses, deploy.OverrunReverts}).Draw(t, "then")
	}
	if rapid.IntRange(0, 4).Draw(t, "approval") == 0 {
		p.Approval = &deploy.Approval{Digest: "d", Expires: noon.Add(time.Hour)}
	}
	if rapid.IntRange(0, 4).Draw(t, "deadline") == 0 {
		p.Deadline = 30 * time.Minute
	}
	if rapid.IntRange(0, 4).Draw(t, "calendar") == 0 { // from one hour after noon on
		p.Calendar = &deploy.Calendar{Zone: "UTC", Windows: []deploy.Window{{Days: everyDay, From: 13 * 60, To: 14 * 60}}}
		if rapid.IntRange(0, 3).Draw(t, "last day") == 0 {
			p.Calendar = lastDay()
		}
	}
	p.Progress = rapid.SampledFrom([]time.Duration{0, 10 * time.Minute}).Draw(t, "progress")
	r, err := deploy.NewRollout(targets, p, "ada")
	require.NoError(t, err)
	r.Slot = rapid.SampledFrom([]deploy.Slot{deploy.SlotNeedless, deploy.SlotWanted}).Draw(t, "slot")
	return &world{T: t, now: noon, r: r, begun: map[int]bool{}, ended: map[int]deploy.State{}, skipped: map[int]bool{}}
}

// make applies a move and checks what must hold of every one of them.
func (w *world) make(m deploy.Move) {
	before := w.r
	frozen, err := json.Marshal(before)
	require.NoError(w, err)
	after := before.Make(m)
	again, err := json.Marshal(before)
	require.NoError(w, err)
	require.JSONEq(w, string(frozen), string(again), "the record from before is as it was")

	require.GreaterOrEqual(w, after.Turn, before.Turn)
	require.GreaterOrEqual(w, after.Wave, before.Wave)
	require.GreaterOrEqual(w, after.Ended().Total(), before.Ended().Total())
	from, to := before.Status().State, after.Status().State
	if from != to {
		require.True(w, deploy.OfDeployment.CanFollow(from, to), "%s → %s", from, to)
		require.Greater(w, after.Turn, before.Turn, "what is new is said")
	}
	if before.Over() {
		require.Equal(w, before.Status(), after.Status(), "an outcome never changes")
	}
	w.r = after
	w.made = append(w.made, m)
}

// outputs makes what the scheduler would make of the phase, and moves on.
func (w *world) outputs() {
	r, now := w.r, w.now
	switch r.Phase {
	case deploy.Planning:
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Planned(now) })
	case deploy.Dispatching:
		for piece := range r.Current().Pieces() {
			if r.Ahead {
				w.tell(piece)
			}
		}
		for i := r.In; i < r.Let && w.r.Wave == r.Wave; i++ {
			w.begun[r.Current().First+i] = w.begun[r.Current().First+i] || false
		}
		atWork := 0
		for i := range w.begun {
			if w.ended[i] == "" {
				atWork++
			}
		}
		most := r.Policy.Strategy.MaxParallel
		if most == 0 {
			most = deploy.DefaultMaxParallel
		}
		require.LessOrEqual(w, atWork, most, "no more hosts are at work than asked")
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Dispatched(r.Wave, r.Let) })
	case deploy.Stopping:
		left := r.Unbegun()
		for i := left.First; i < left.First+left.Count; i++ {
			if !w.begun[i] && w.ended[i] == "" { // the race that the first event decides
				w.ended[i] = r.End.UnbegunState()
			}
		}
		skipped := w.ahead()
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Stopped(skipped) })
	case deploy.GoingBack:
		require.True(w, deploy.Reversible(r.Policy.Strategy.Kind, r.Policy.Budget.Then), "hosts may have removed the way back")
		if r.Revert == nil {
			w.make(func(x deploy.Rollout) deploy.Rollout { return x.RevertAs("r") })
		}
	case deploy.Finishing:
		w.make(deploy.Rollout.Concluded)
	}
}

// work lets executors take and end some jobs.
func (w *world) work() {
	for i := range w.r.Current().First + w.r.In {
		if _, queued := w.begun[i]; !queued || w.ended[i] != "" {
			continue
		}
		if rapid.Bool().Draw(w.T, "works") {
			w.begun[i] = true
			w.ended[i] = rapid.SampledFrom([]deploy.State{deploy.Succeeded, deploy.Succeeded, deploy.Succeeded, deploy.Failed}).Draw(w.T, "ends")
		}
	}
}

// tell brings the ends in one piece of the current wave, as its results say.
func (w *world) tell(piece int) {
	pieces := w.r.Current().Pieces()
	if piece >= len(pieces) {
		return
	}
	results := deploy.NewResults(pieces[piece])
	for i := pieces[piece].First; i < pieces[piece].First+pieces[piece].Count; i++ {
		if w.ended[i] != "" {
			var err error
			results, err = results.Record(i, w.ended[i], false)
			require.NoError(w, err)
		}
	}
	wave, now, tally := w.r.Wave, w.now, results.Tally(w.r.Limit(w.r.Wave))
	w.make(func(x deploy.Rollout) deploy.Rollout { return x.Note(wave, piece, tally, now) })
}

// ahead is how those have ended of which a stop must know: skipped hosts of waves
// to come.
func (w *world) ahead() deploy.Tally {
	var t deploy.Tally
	if !w.r.Ahead {
		return t
	}
	for i := range w.skipped {
		if wave, _ := w.r.Waves.Of(i); wave > w.r.Wave || wave == w.r.Wave && !w.r.Begun() {
			t.Skipped++
		}
	}
	return t
}

// skip ends a host that has not begun, as a person may ask.
func (w *world) skip() {
	i := rapid.IntRange(0, w.r.Targets()-1).Draw(w.T, "host")
	if w.r.Over() || w.r.End != nil || w.begun[i] || w.ended[i] != "" {
		return
	}
	w.ended[i], w.skipped[i] = deploy.Skipped, true
	if wave, _ := w.r.Waves.Of(i); wave > w.r.Wave || !w.r.Counting() || i >= w.r.Limit(wave) {
		w.make(deploy.Rollout.EndedAhead)
	}
}

// others plays what the world around a rollout decides: places come free, rollbacks
// end, canaries are measured, somebody looks.
func (w *world) others() {
	now := w.now
	switch rapid.IntRange(0, 4).Draw(w.T, "other") {
	case 0:
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Granted(now) })
	case 1:
		how := rapid.SampledFrom([]deploy.State{deploy.Succeeded, deploy.Failed, deploy.Skipped}).Draw(w.T, "taken back")
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Reverted(how) })
	case 2:
		made, due := w.r.Measures(now)
		m := rapid.SampledFrom([]deploy.Measurement{deploy.Passed, deploy.Missed, deploy.Inconclusive}).Draw(w.T, "measured")
		if due {
			w.make(func(x deploy.Rollout) deploy.Rollout { return x.Measured(made, m, "so", now) })
		}
	case 3:
		seen := deploy.Seen{NoExecutor: rapid.SampledFrom([][]string{nil, {"dmz"}}).Draw(w.T, "zones")}
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Look(seen, now) })
	case 4:
		w.turn()
	}
}

// turn has the turn of a host come, which leaves the queue if it may not begin.
func (w *world) turn() {
	i, wave, now := rapid.IntRange(0, w.r.Targets()-1).Draw(w.T, "turn of"), w.r.Wave, w.now
	if began, queued := w.begun[i]; !queued || began || w.ended[i] != "" || !w.r.Current().Contains(i) {
		return
	}
	w.make(func(x deploy.Rollout) deploy.Rollout { return x.MissTurn(wave, now) })
	if w.r.Dispatches() && !w.r.MayBegin(now) {
		require.True(w, w.r.Missed)
		delete(w.begun, i)
	}
}

// sweep has those enter their queues again that have lost their place.
func (w *world) sweep() {
	if !w.r.MayBegin(w.now) {
		return
	}
	for i := range w.r.In {
		w.begun[w.r.Current().First+i] = w.begun[w.r.Current().First+i] || false
	}
}

func (w *world) person() {
	c := deploy.Control{Verb: rapid.SampledFrom(deploy.Verbs()).Draw(w.T, "verb"), By: "bob", Digest: "d"}
	now := w.now
	w.make(func(x deploy.Rollout) deploy.Rollout {
		next, err := x.Control(c, now)
		if err != nil {
			require.Equal(w, x, next, "what is refused changes nothing")
		}
		return next
	})
}

func (w *world) tick() {
	now := w.now
	w.make(func(x deploy.Rollout) deploy.Rollout { return x.Tick(now) })
}

// step does something that may happen now.
func (w *world) step(people bool) {
	switch n := rapid.IntRange(0, 14).Draw(w.T, "what"); {
	case n < 4:
		w.outputs()
	case n < 6:
		w.work()
	case n < 8:
		w.tell(rapid.IntRange(0, 2).Draw(w.T, "piece"))
	case n < 9:
		w.tick()
	case n == 9 && len(w.made) > 0:
		w.make(w.made[rapid.IntRange(0, len(w.made)-1).Draw(w.T, "again")])
	case n == 10:
		w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 20 * time.Minute}).Draw(w.T, "later"))
	case people && n == 11 && rapid.IntRange(0, 3).Draw(w.T, "speaks") == 0:
		w.person()
	case people && n == 12:
		w.skip()
	case n > 12:
		w.others()
	}
}

var everyDay = []time.Weekday{0, 1, 2, 3, 4, 5, 6}

// finish lets everything happen that is due, and a person resume, until the end.
func (w *world) finish() {
	for range 5000 {
		if w.r.Phase == deploy.Finished {
			return
		}
		w.outputs()
		w.sweep()
		for i := range w.r.Targets() {
			if _, queued := w.begun[i]; queued && w.ended[i] == "" && i < w.r.Current().First+w.r.In {
				w.begun[i], w.ended[i] = true, deploy.Succeeded
			}
		}
		for piece := range w.r.Current().Pieces() {
			w.tell(piece)
		}
		if w.r.Pause != nil {
			now := w.now
			w.make(func(x deploy.Rollout) deploy.Rollout {
				next, _ := x.Control(deploy.Control{Verb: deploy.Resume}, now)
				return next
			})
		}
		now := w.now
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Granted(now) })
		w.make(func(x deploy.Rollout) deploy.Rollout { return x.Reverted(deploy.Succeeded) })
		if made, due := w.r.Measures(now); due {
			w.make(func(x deploy.Rollout) deploy.Rollout { return x.Measured(made, deploy.Passed, "so", now) })
		}
		if wake := w.r.Wake(); !wake.IsZero() && (w.r.Phase == deploy.Held || !w.r.Reopen.IsZero()) {
			w.now = later(w.now, wake)
			w.tick()
		}
	}
	require.Fail(w, "the rollout does not end", "%+v", w.r)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func TestAnyOrderAndRepetitionEndsInALegalState(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			w.step(true)
		}
		w.finish()

		var want deploy.Tally
		for i := range w.r.Targets() {
			require.NotEmpty(t, w.ended[i], "target %d has no end", i)
			switch w.ended[i] {
			case deploy.Succeeded:
				want.Succeeded++
			case deploy.Failed:
				want.Failed++
			case deploy.Skipped:
				want.Skipped++
			case deploy.Cancelled:
				want.Cancelled++
			}
		}
		require.Equal(t, want, w.r.Ended(), "the tally is what the events of the targets say")
		require.True(t, w.r.Status().State.Terminal())
		require.Equal(t, want.Succeeded+len(w.skipped) == w.r.Targets() && w.r.End == nil || want.Succeeded == w.r.Targets(),
			w.r.Outcome().State == deploy.Succeeded)

		finished := w.r
		for _, again := range w.made {
			require.Equal(t, finished, finished.Make(again), "nothing moves a finished rollout")
		}
	})
}

func TestABudgetIsOverrunByNoMoreThanWhatWasAtWork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.r.Policy.Budget = deploy.Budget{Total: &deploy.Amount{Count: rapid.IntRange(0, 5).Draw(t, "budget")}}
		w.r.Policy.Strategy.MinHealthy = deploy.Amount{}
		for range rapid.IntRange(0, 80).Draw(t, "steps") {
			w.step(false)
		}
		w.finish()
		if w.r.End == nil || w.r.End.Cause != deploy.CauseBudget {
			return
		}
		most := w.r.Policy.Strategy.MaxParallel
		if most == 0 {
			most = deploy.DefaultMaxParallel
		}
		require.LessOrEqual(t, w.r.Ended().Failed, w.r.Policy.Budget.Total.Count+most)
	})
}

func TestAnAbortEndsARolloutWhereverItStands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		for range rapid.IntRange(0, 30).Draw(t, "steps before") {
			w.step(true)
		}
		before := w.r
		aborted := before.Abort("gone")
		if before.Over() {
			require.Equal(t, before, aborted)
			return
		}
		require.Equal(t, before.Targets(), aborted.Ended().Total(), "every target has an outcome")
		require.Equal(t, deploy.Failed, aborted.Outcome().State)
		require.Equal(t, before.Ended().Succeeded, aborted.Ended().Succeeded)
		for _, late := range w.made {
			require.Equal(t, aborted.Status(), aborted.Make(late).Status(), "nothing revives an aborted rollout")
		}
		require.Equal(t, deploy.Finished, aborted.Concluded().Phase)
	})
}
