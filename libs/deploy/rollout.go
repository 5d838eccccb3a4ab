package deploy

import (
	"fmt"
	"maps"
	"time"
)

// RolloutPhase is what the scheduler has to do next for a deployment. Each
// phase has outputs that are safe to repeat; only when they are durable does
// the rollout move on, by compare-and-set.
//
//	planning ──> held ──> dispatching <──> running ──> finishing ──> finished
//	               ▲           │              │            ▲
//	               └───────────┴─ wave done ──┤            ├── going back
//	                                          ▼            │        ▲
//	   (from anywhere before)  ──> stopping ──> draining ──┴────────┘
type RolloutPhase string

// The phases of a rollout.
const (
	Planning    RolloutPhase = "planning"    // tell history what is to come
	Held        RolloutPhase = "held"        // wait for a person or a time before the wave begins
	Dispatching RolloutPhase = "dispatching" // publish jobs of the current wave
	InProgress  RolloutPhase = "running"     // wait for targets to end
	Stopping    RolloutPhase = "stopping"    // end the targets that have not begun
	Draining    RolloutPhase = "draining"    // wait for those that had begun
	GoingBack   RolloutPhase = "going_back"  // have a rollback take back what was switched, and wait for it
	Finishing   RolloutPhase = "finishing"   // tell history the outcome
	Finished    RolloutPhase = "finished"    // nothing is left to do
)

// Rollout is what the scheduler knows of one deployment, small whatever the
// size of the fleet: results per target stand in pieces of their own (Results).
type Rollout struct {
	Phase  RolloutPhase `json:"phase"`
	Turn   int          `json:"turn"` // rises whenever the standing changes; orders what is said of it
	Policy Policy       `json:"policy"`
	Actor  string       `json:"actor,omitempty"` // who asked for the deployment
	Waves  Waves        `json:"waves"`
	Wave   int          `json:"wave"`  // the current one
	Tally  Tally        `json:"tally"` // of the waves before, and of targets that never began
	// Of the current wave: Let targets may begin, the first In of which are in the
	// queues of their hosts; Pieces holds how many have ended, piece by piece, as
	// their Results say. They are copied, never added to: a repeat counts nothing
	// twice. The first Closed pieces have ended altogether and are summed up, so that
	// the record stays small however large the wave is.
	Let    int           `json:"let"`
	In     int           `json:"in"`
	Closed int           `json:"closed,omitempty"`
	Sum    Tally         `json:"sum,omitzero"` // of the pieces that are closed
	Pieces map[int]Tally `json:"pieces,omitempty"`

	// Missed says that hosts of the current wave that were let have left their queues,
	// since their turn came while none may begin. They enter again when some may, for
	// the Round-th time.
	Missed bool `json:"missed,omitempty"`
	Round  int  `json:"round,omitempty"`

	// Ahead says that results of waves to come hold ends already: of hosts that a
	// person skipped.
	Ahead bool `json:"ahead,omitempty"`

	Slot       Slot      `json:"slot,omitempty"`
	Hold       *Hold     `json:"hold,omitempty"` // in Held alone
	Pause      *Pause    `json:"pause,omitempty"`
	End        *Ending   `json:"end,omitempty"`
	Judging    *Judging  `json:"judging,omitempty"` // from the canary's end on, where measurements judge it
	Revert     *Revert   `json:"revert,omitempty"`  // in GoingBack and after it
	Trouble    *Trouble  `json:"trouble,omitempty"`
	ApprovedBy string    `json:"approved_by,omitempty"`
	PromotedBy string    `json:"promoted_by,omitempty"`
	ReleasedBy string    `json:"released_by,omitempty"` // who let the old set go before its time
	Verdict    time.Time `json:"verdict,omitzero"`      // by when a person must have judged the canary
	Kept       time.Time `json:"kept,omitzero"`         // until when traffic can go back to the old set
	Rest       time.Time `json:"rest,omitzero"`         // when the pause between two waves ends
	Began      time.Time `json:"began,omitzero"`        // when the current wave did
	Reopen     time.Time `json:"reopen,omitzero"`       // when more hosts of the wave may begin, where the calendar keeps them from it
	Deadline   time.Time `json:"deadline,omitzero"`     // of the whole; set when the first wave begins
	// Forgiven is how many failures a person has accepted by resuming: of all, and
	// of the current wave.
	Forgiven       int `json:"forgiven,omitempty"`
	ForgivenInWave int `json:"forgiven_in_wave,omitempty"`
}

// NewRollout plans a deployment of so many targets. It starts in Planning.
func NewRollout(targets int, policy Policy, actor string) (Rollout, error) {
	if targets <= 0 {
		return Rollout{}, fmt.Errorf("%w: a deployment needs at least one target", ErrInvalidPlan)
	}
	if err := policy.Strategy.checkSets(targets); err != nil {
		return Rollout{}, err
	}
	return Rollout{Phase: Planning, Policy: policy, Actor: actor, Waves: policy.Strategy.Plan(targets)}, nil
}

// Move is a transition. It leaves a rollout alone where it does not apply: every
// input may come again, late, and by several replicas.
type Move func(Rollout) Rollout

// Make applies a transition and counts the turn.
func (r Rollout) Make(m Move) Rollout {
	next := m(r)
	if next.standing() != r.standing() {
		next.Turn = r.Turn + 1
	}
	return next
}

// Limit is the ordinal below which targets of the wave may begin.
func (r Rollout) Limit(wave int) int {
	first := r.Waves.At(wave).First
	if wave == r.Wave {
		return first + r.Let
	}
	return first
}

// Current is the current wave.
func (r Rollout) Current() Range { return r.Waves.At(r.Wave) }

// Targets is the number of targets over all waves.
func (r Rollout) Targets() int { return r.Waves.Targets }

// Locate returns the wave and the piece in it that hold the target.
func (r Rollout) Locate(target int) (wave, piece int, err error) {
	wave, ok := r.Waves.Of(target)
	if !ok {
		return 0, 0, fmt.Errorf("%w: target %d of %d", ErrNoSuchTarget, target, r.Targets())
	}
	return wave, (target - r.Waves.At(wave).First) / PieceSize, nil
}

// Opens says whether the current wave is at its beginning.
func (r Rollout) Opens() bool { return r.Phase == Dispatching && r.In == 0 && r.Round == 0 }

// Begun says whether targets of the current wave may have begun.
func (r Rollout) Begun() bool { return r.Let > 0 }

// Counting says whether ends of targets of the current wave are counted.
func (r Rollout) Counting() bool {
	switch r.Phase {
	case Dispatching, InProgress, Draining:
		return true
	case Stopping:
		return r.Begun()
	default:
		return false
	}
}

// Dispatches says whether targets of the current wave may be given jobs.
func (r Rollout) Dispatches() bool { return r.Phase == Dispatching || r.Phase == InProgress }

// Over says whether the outcome stands.
func (r Rollout) Over() bool { return r.Phase == Finishing || r.Phase == Finished }

// Planned moves on from Planning, once history can know the targets.
func (r Rollout) Planned(now time.Time) Rollout {
	switch {
	case r.Phase != Planning:
		return r
	case r.End != nil: // it was stopped meanwhile
		r.Phase = Stopping
		return r
	}
	return r.proceed(now)
}

// widen lets as many targets of the wave begin as may be at work at once, within
// the hours of the calendar.
func (r Rollout) widen(now time.Time) Rollout {
	if !r.Dispatches() || r.Pause != nil {
		return r
	}
	ended := r.inWave()
	r.Reopen = time.Time{}
	if (r.Let < r.Current().Count || r.Missed) && !r.Policy.Calendar.Open(now) {
		return r.shut(now)
	}
	if r.Missed { // those of closed pieces have ended
		r.Missed, r.Round, r.In, r.Phase = false, r.Round+1, min(r.In, r.Closed*PieceSize), Dispatching
	}
	within := ended.Total() - ended.Beyond
	let := min(within+r.window(), r.Current().Count)
	if let > r.Let {
		r.Let, r.Phase = let, Dispatching
	}
	if r.Let == within && ended.Total() < r.Current().Count {
		return r.stop(Ending{State: Failed, Cause: CauseUnhealthy,
			Reason: fmt.Sprintf("fewer than %s hosts would stay healthy", r.Policy.Strategy.MinHealthy)})
	}
	return r
}

// Dispatched moves on from Dispatching, once so many targets of the wave are
// in the queues of their hosts. A wave that has moved on meanwhile is left
// alone.
func (r Rollout) Dispatched(wave, in int) Rollout {
	if r.Wave != wave || !r.Dispatches() {
		return r
	}
	r.In = max(r.In, in)
	if r.Phase == Dispatching && r.In >= r.Let {
		r.Phase = InProgress
	}
	return r
}

// Note takes in how the targets of a piece of the wave have ended so far. One
// that knows less than is known, or is of another wave, changes nothing. The
// last of the wave begins the next one, or ends the rollout.
func (r Rollout) Note(wave, piece int, ended Tally, now time.Time) Rollout {
	if !r.Counting() || wave != r.Wave || piece < r.Closed || !ended.newerThan(r.Pieces[piece]) {
		return r
	}
	r = r.notePiece(piece, ended)
	if r.Trouble != nil && r.Trouble.Cause == CauseNoProgress {
		r.Trouble = nil
	}
	if r.Dispatches() {
		r = r.checkBudget()
	}
	if r.inWave().Total() < r.Current().Count {
		return r.widen(now)
	}
	return r.closeWave(now)
}

func (r Rollout) notePiece(piece int, ended Tally) Rollout {
	r.Pieces = maps.Clone(r.Pieces)
	if r.Pieces == nil {
		r.Pieces = map[int]Tally{}
	}
	r.Pieces[piece] = ended
	pieces := r.Current().Pieces()
	for r.Closed < len(pieces) && r.Pieces[r.Closed].Total() == pieces[r.Closed].Count && r.Pieces[r.Closed].Beyond == 0 {
		r.Sum = r.Sum.Add(r.Pieces[r.Closed])
		delete(r.Pieces, r.Closed)
		r.Closed++
	}
	return r
}

// Cares says whether Note has to be told of this now: the piece has ended, a
// host has failed, or others wait for one to end. What it is not told now it
// learns with the next, and it saves a write for each batch of endings.
func (r Rollout) Cares(piece int, ended Tally) bool {
	return ended.Total() == r.Current().Pieces()[piece].Count ||
		ended.Failed > r.Pieces[piece].Failed || r.Let < r.Current().Count || r.End != nil
}

func (r Rollout) closeWave(now time.Time) Rollout {
	s, done := r.Policy.Strategy, r.role()
	last := r.Wave == r.Waves.Len()-1 && (done != RoleBalancer || s.Keep == 0)
	switch {
	case r.Phase == Stopping: // the targets of later waves are still to be told
		return r
	case r.Phase == Draining || last:
		return r.close()
	case done == RoleNew && r.inWave().Succeeded == 0: // whatever the budget: traffic cannot go there
		return r.stop(Ending{State: Failed, Cause: CauseUnhealthy, Reason: "no host of the new set runs the release"})
	}
	r.Tally = r.Tally.Add(r.inWave())
	r.Wave++
	r.Let, r.In, r.Closed, r.Sum, r.Pieces, r.ForgivenInWave = 0, 0, 0, Tally{}, nil, 0
	r.Trouble, r.Reopen, r.Missed, r.Round = nil, time.Time{}, false, 0
	if s.Pause > 0 {
		r.Rest = now.Add(s.Pause)
	}
	switch {
	case s.Kind == Canary && r.Wave == 1, done == RoleNew:
		r = r.judge(now)
	case done == RoleBalancer:
		r = r.switched(now)
	}
	return r.proceed(now)
}

// inWave is how the targets of the current wave have ended.
func (r Rollout) inWave() Tally {
	t := r.Sum
	for _, p := range r.Pieces {
		t = t.Add(p)
	}
	return t
}

// Ended is how all targets have ended so far.
func (r Rollout) Ended() Tally {
	t := r.Tally.Add(r.inWave())
	t.Beyond = 0 // which is about who may begin
	return t
}

// failed is how many failures a budget counts.
func (r Rollout) failed() int {
	all := r.Ended()
	return max(all.Failed-all.Excused-r.Forgiven, 0)
}

// failedInWave is failed for the current wave alone.
func (r Rollout) failedInWave() int {
	wave := r.inWave()
	return max(wave.Failed-wave.Excused-r.ForgivenInWave, 0)
}

// EndedAhead notes that results of waves to come hold ends.
func (r Rollout) EndedAhead() Rollout {
	if !r.Over() {
		r.Ahead = true
	}
	return r
}
