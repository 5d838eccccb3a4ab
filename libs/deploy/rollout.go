package deploy

import (
	"fmt"
	"slices"
)

// RolloutPhase is what the scheduler has to do next for a deployment. Each
// phase has outputs that are safe to repeat; only when they are durable does
// the rollout move on, by compare-and-set.
//
//	planning ──> dispatching ──> running ──> finishing ──> finished
//	                  ▲             │ wave done, more to come   ▲
//	                  └─────────────┤                           │
//	                                └──> stopping ──────────────┘ (by finishing)
type RolloutPhase string

// The phases of a rollout.
const (
	Planning    RolloutPhase = "planning"    // tell history what is to come
	Dispatching RolloutPhase = "dispatching" // publish the jobs of the current wave
	InProgress  RolloutPhase = "running"     // wait for the wave's targets to end
	Stopping    RolloutPhase = "stopping"    // end the targets of later waves as skipped
	Finishing   RolloutPhase = "finishing"   // tell history the outcome
	Finished    RolloutPhase = "finished"    // nothing is left to do
)

// Tally counts ended targets by outcome.
type Tally struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
}

// Add returns the sum of both.
func (t Tally) Add(o Tally) Tally {
	return Tally{t.Succeeded + o.Succeeded, t.Failed + o.Failed, t.Skipped + o.Skipped}
}

// Total is how many targets have ended.
func (t Tally) Total() int { return t.Succeeded + t.Failed + t.Skipped }

// Rollout is what the scheduler knows of one deployment, small whatever the
// size of the fleet: results per target stand in pieces of their own (Results).
type Rollout struct {
	Phase RolloutPhase `json:"phase"`
	Waves Waves        `json:"waves"`
	Wave  int          `json:"wave"`  // the current one
	Open  []int        `json:"open"`  // pieces of the current wave with targets that have not ended
	Tally Tally        `json:"tally"` // of the closed pieces and the skipped targets
	// Reason is why the rollout was aborted; empty otherwise.
	Reason string `json:"reason,omitempty"`
}

// NewRollout plans a deployment of so many targets. It starts in Planning with
// the first wave open.
func NewRollout(targets, waveSize int) (Rollout, error) {
	if targets <= 0 {
		return Rollout{}, fmt.Errorf("%w: a deployment needs at least one target", ErrInvalidPlan)
	}
	r := Rollout{Phase: Planning, Waves: Plan(targets, waveSize)}
	return r.open(0), nil
}

// Current is the current wave.
func (r Rollout) Current() Range { return r.Waves.At(r.Wave) }

// Targets is the number of targets over all waves.
func (r Rollout) Targets() int {
	return r.Waves.Targets
}

// Locate returns the wave and the piece in it that hold the target.
func (r Rollout) Locate(target int) (wave, piece int, err error) {
	wave, ok := r.Waves.Of(target)
	if !ok {
		return 0, 0, fmt.Errorf("%w: target %d of %d", ErrNoSuchTarget, target, r.Targets())
	}
	return wave, (target - r.Waves.At(wave).First) / PieceSize, nil
}

// Planned moves on from Planning, once history can know the targets.
func (r Rollout) Planned() Rollout {
	if r.Phase == Planning {
		r.Phase = Dispatching
	}
	return r
}

// Dispatched moves on from Dispatching, once every job of the wave is stored or
// queued for its host. A wave that was closed meanwhile is left alone.
func (r Rollout) Dispatched(wave int) Rollout {
	if r.Phase == Dispatching && r.Wave == wave {
		r.Phase = InProgress
	}
	return r
}

// ClosePiece records that every target of the piece has ended so. Closing a
// piece again, or one of another wave, changes nothing. When the last piece of
// the wave closes, the next wave begins, or the rollout stops because a target
// failed and waves are left, or it finishes.
func (r Rollout) ClosePiece(wave, piece int, ended Tally) Rollout {
	at := slices.Index(r.Open, piece)
	if !r.Active() || wave != r.Wave || at < 0 {
		return r
	}
	r.Open = slices.Delete(slices.Clone(r.Open), at, at+1)
	r.Tally = r.Tally.Add(ended)
	switch {
	case len(r.Open) > 0:
	case r.Wave == r.Waves.Len()-1:
		r.Phase = Finishing
	case r.Tally.Failed > 0:
		r.Phase = Stopping
	default:
		r = r.open(r.Wave + 1)
		r.Phase = Dispatching
	}
	return r
}

// Remaining returns the targets of the waves after the current one: those that
// a stop skips.
func (r Rollout) Remaining() Range {
	next := r.Current().First + r.Current().Count
	return Range{First: next, Count: r.Targets() - next}
}

// Stopped moves on from Stopping, once every remaining target has ended as
// skipped.
func (r Rollout) Stopped() Rollout {
	if r.Phase == Stopping {
		r.Tally.Skipped += r.Remaining().Count
		r.Phase = Finishing
	}
	return r
}

// Concluded moves on from Finishing, once the outcome is published.
func (r Rollout) Concluded() Rollout {
	if r.Phase == Finishing {
		r.Phase = Finished
	}
	return r
}

// Abort ends a rollout that cannot go on at all: what has not ended counts as
// failed. One whose outcome stands is left alone: whoever reads late finds its
// inputs removed, and that is no failure.
func (r Rollout) Abort(reason string) Rollout {
	if r.Phase != Finishing && r.Phase != Finished {
		r.Phase, r.Reason = Finishing, reason
		r.Tally.Failed += r.Targets() - r.Tally.Total()
	}
	return r
}

// Active says whether targets of the current wave may be at work.
func (r Rollout) Active() bool { return r.Phase == Dispatching || r.Phase == InProgress }

// Outcome is the state in which the deployment ends: succeeded where every
// target did.
func (r Rollout) Outcome() State {
	if r.Tally.Failed > 0 || r.Tally.Skipped > 0 {
		return Failed
	}
	return Succeeded
}

func (r Rollout) open(wave int) Rollout {
	r.Wave = wave
	r.Open = nil
	for i := range r.Waves.At(wave).Pieces() {
		r.Open = append(r.Open, i)
	}
	return r
}

// Results holds how each target of one piece ended; an empty state is a target
// that has not.
type Results struct {
	First    int     `json:"first"`
	Outcomes []State `json:"outcomes"`
}

// NewResults returns the results of a piece in which nothing has ended.
func NewResults(piece Range) Results {
	return Results{First: piece.First, Outcomes: make([]State, piece.Count)}
}

// Ended returns how the target ended, or "" where it has not.
func (r Results) Ended(target int) State { return r.Outcomes[target-r.First] }

// Record notes how a target ended. The first outcome stands: a second changes
// nothing.
func (r Results) Record(target int, outcome State) (Results, error) {
	i := target - r.First
	if i < 0 || i >= len(r.Outcomes) {
		return r, fmt.Errorf("%w: target %d in a piece of %d from %d", ErrNoSuchTarget, target, len(r.Outcomes), r.First)
	}
	if !outcome.Terminal() {
		return r, fmt.Errorf("%w: %q does not end a target", ErrNotTerminal, outcome)
	}
	if r.Outcomes[i] != "" {
		return r, nil
	}
	r.Outcomes = slices.Clone(r.Outcomes)
	r.Outcomes[i] = outcome
	return r, nil
}

// Closed returns the tally of the piece, and whether all of it has ended.
func (r Results) Closed() (Tally, bool) {
	var t Tally
	for _, o := range r.Outcomes {
		switch o {
		case Succeeded:
			t.Succeeded++
		case Failed:
			t.Failed++
		case Skipped:
			t.Skipped++
		}
	}
	return t, t.Total() == len(r.Outcomes)
}
