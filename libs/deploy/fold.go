package deploy

import (
	"slices"
	"time"
)

// Header is the document of a deployment: small, since lists read many of them.
// What grows with the fleet stands in Buckets.
type Header struct {
	ID          string
	Seq         uint64 // last event folded
	Kind        Kind
	Project     string
	Application string
	Path        string
	Version     string
	Package     string
	From        string
	RollbackOf  string
	Actor       string
	RetryOf     string
	Batch       string
	Metadata    []Note
	Origin
	Strategy StrategyKind
	State    State
	Cause    Cause
	Reason   string    // why it stands or ended so
	By       string    // who asked for it
	Until    time.Time // when it goes on, or is given up, by itself
	// RolledBackBy is the deployment that takes back what this one has switched,
	// by itself since this one failed.
	RolledBackBy string
	Targets      int
	Wave, Waves  int
	AcceptedAt   time.Time
	StartedAt    time.Time
	EndedAt      time.Time
	EndedSeq     uint64 // of the event that ended it; 0: it has not ended
	// Counts holds, bucket by bucket, how many targets are in which state. They
	// are copied from the buckets as they are, never added to, so that folding
	// again after a crash between two writes cannot count twice.
	Counts []Counts
}

// Counts is how many targets are in which state.
type Counts struct {
	Pending, Running, Succeeded, Failed, Skipped, Cancelled int
}

// Total adds up the counts of all buckets. Targets that no bucket holds yet are
// pending.
func (h Header) Total() Counts {
	var t Counts
	for _, c := range h.Counts {
		t.Pending += c.Pending
		t.Running += c.Running
		t.Succeeded += c.Succeeded
		t.Failed += c.Failed
		t.Skipped += c.Skipped
		t.Cancelled += c.Cancelled
	}
	t.Pending = max(t.Pending, h.Targets-t.Running-t.Succeeded-t.Failed-t.Skipped-t.Cancelled)
	return t
}

// Pieces is how many pieces its targets are in.
func (h Header) Pieces() int { return max((h.Targets+PieceSize-1)/PieceSize, len(h.Counts)) }

// Bucket is the document of up to PieceSize targets, from ordinal
// Index×PieceSize on.
type Bucket struct {
	Deployment string
	Index      int
	Seq        uint64 // last event folded
	Targets    []Target
}

// Target is one host of a deployment as users see it.
type Target struct {
	Host      string
	Name      string
	Wave      int
	State     State
	Attempt   int
	Token     uint64
	Executor  string
	Step      Step // the one that runs, or the last that ran
	Done      int64
	Bytes     int64 // total of the step that runs, 0 where unknown
	Steps     []StepRecord
	StartedAt time.Time
	EndedAt   time.Time
	Release   string
	Previous  string
	Changed   bool
	Note      string
	Failure   *Failure
}

// StepRecord is one step of the last attempt.
type StepRecord struct {
	Step      Step
	State     State
	StartedAt time.Time
	EndedAt   time.Time
	Note      string
	Failure   *Failure
}

// BucketOf returns the index of the bucket that an event changes, and false
// where it changes none.
func BucketOf(e Event) (int, bool) {
	if p, ok := e.(WasPlanned); ok && p.First >= 0 {
		return p.First / PieceSize, true
	}
	if on, ok := refOf(e); ok && on.Target >= 0 {
		return on.Target / PieceSize, true
	}
	return 0, false
}

// FoldHeader folds one record into the header. For an event of a target,
// counts must be those of its bucket after the same record was folded there.
// A terminal state never changes.
func FoldHeader(h Header, r Record, counts *Counts) Header {
	if r.Seq <= h.Seq {
		return h
	}
	h.Fold(r)
	if i, ok := BucketOf(r.Event); ok && counts != nil {
		h.Counts = slices.Clone(h.Counts)
		h.SetCounts(i, *counts)
	}
	return h
}

// Fold is FoldHeader in place and without counts, for whoever folds many records
// and sets the counts once, after them all.
func (h *Header) Fold(r Record) {
	if r.Seq <= h.Seq {
		return
	}
	h.Seq = r.Seq
	switch e := r.Event.(type) {
	case WasAccepted:
		h.accept(e)
	case WaveBegan:
		h.begin(r.Time)
		if OfDeployment.CanFollow(h.State, Running) { // it begins when nothing holds it any more
			h.stand(Status{State: Running})
		}
		h.Wave = max(h.Wave, e.Wave)
	case WasConcluded:
		// Whoever ends a deployment has stopped it first; should that not have been
		// said, the end is not to be lost with it.
		if !h.State.Terminal() && e.State.Terminal() && OfDeployment.CanFollow(Halting, e.State) {
			h.stand(Status{State: e.State, Cause: e.Cause, Reason: e.Reason, By: e.By, Revert: e.Revert})
			h.EndedAt, h.EndedSeq = r.Time, r.Seq
		}
	case WasStatus:
		h.status(e.Status)
	case JobStarted:
		h.begin(r.Time)
	}
}

// Clone returns a copy that Fold and SetCounts may change.
func (h Header) Clone() Header {
	h.Counts = slices.Clone(h.Counts)
	return h
}

// SetCounts notes the counts of a bucket. Counts must be the header's own.
func (h *Header) SetCounts(bucket int, c Counts) {
	for len(h.Counts) <= bucket {
		h.Counts = append(h.Counts, Counts{})
	}
	h.Counts[bucket] = c
}

func (h *Header) accept(e WasAccepted) {
	if h.State == "" {
		h.State = Accepted
	}
	h.Kind, h.Project, h.Application, h.Path = e.Kind, e.Project, e.Application, e.Path
	h.Version, h.Package, h.From, h.RollbackOf = e.Version, e.Package, e.From, e.RollbackOf
	h.RetryOf, h.Batch, h.Metadata, h.Origin, h.Strategy = e.RetryOf, e.Batch, e.Metadata, e.Origin, e.Strategy
	h.Actor, h.Targets, h.Waves, h.AcceptedAt = e.Actor, e.Targets, e.Waves, e.AcceptedAt
}

func (h *Header) status(s Status) {
	_, known := transitions[OfDeployment][s.State] // the terminal ones have no successors
	if known && (h.State == s.State || OfDeployment.CanFollow(h.State, s.State)) {
		h.stand(s)
	}
}

func (h *Header) stand(s Status) {
	h.State, h.Cause, h.Reason, h.By, h.Until = s.State, s.Cause, s.Reason, s.By, s.Until
	h.RolledBackBy = s.Revert
}

// begin notes the first sign of work. WasAccepted may be missing where the
// stream no longer keeps the beginning of an old deployment.
func (h *Header) begin(at time.Time) {
	if h.StartedAt.IsZero() && !h.State.Terminal() {
		h.StartedAt = at
	}
	switch h.State { // what comes after, the scheduler says itself
	case "", Accepted, AwaitingApproval, Scheduled, Waiting:
		h.stand(Status{State: Running})
	}
}

// FoldBucket folds one record into the bucket that BucketOf names. A target
// that has ended never changes again.
func FoldBucket(b Bucket, r Record) Bucket {
	if r.Seq <= b.Seq {
		return b
	}
	b.Targets = slices.Clone(b.Targets)
	b.Fold(r)
	return b
}

// Clone returns a copy that Fold may change.
func (b Bucket) Clone() Bucket {
	b.Targets = slices.Clone(b.Targets)
	return b
}

// Fold is FoldBucket in place, for whoever folds many records: what one event
// costs then does not depend on how many targets share its bucket. Targets must
// be the bucket's own.
func (b *Bucket) Fold(r Record) {
	if r.Seq <= b.Seq {
		return
	}
	b.Seq = r.Seq
	if p, ok := r.Event.(WasPlanned); ok && p.First >= 0 {
		for i, planned := range p.Targets {
			t := b.at(p.First%PieceSize + i)
			t.Host, t.Name, t.Wave = planned.Host, planned.Name, planned.Wave
		}
		return
	}
	if on, ok := refOf(r.Event); ok && on.Target >= 0 {
		t := b.at(on.Target % PieceSize)
		if t.Host == "" {
			t.Host = on.Host
		}
		if !t.State.Terminal() {
			t.fold(r)
		}
	}
}

// Counts returns how many targets of the bucket are in which state.
func (b Bucket) Counts() Counts {
	var c Counts
	for _, t := range b.Targets {
		switch t.State {
		case Running:
			c.Running++
		case Succeeded:
			c.Succeeded++
		case Failed:
			c.Failed++
		case Skipped:
			c.Skipped++
		case Cancelled:
			c.Cancelled++
		default:
			c.Pending++
		}
	}
	return c
}

// at returns the target at this place, making room for it where an earlier
// event that would have made it was not kept.
func (b *Bucket) at(i int) *Target {
	for len(b.Targets) <= i {
		b.Targets = append(b.Targets, Target{State: Pending})
	}
	return &b.Targets[i]
}

func (t *Target) fold(r Record) {
	switch e := r.Event.(type) {
	case JobStarted:
		t.begin(e, r.Time)
	case StepChanged:
		t.step(e)
	case JobProgressed:
		t.Step, t.Done, t.Bytes = e.Step, e.Done, e.Total
	case JobEnded:
		t.end(e, r.Time)
	}
}

func (t *Target) begin(e JobStarted, at time.Time) {
	t.State = Running
	t.Attempt, t.Token, t.Executor = e.On.Attempt, e.On.Token, e.Executor
	t.Step, t.Steps, t.Done, t.Bytes = "", nil, 0, 0
	if t.StartedAt.IsZero() {
		t.StartedAt = at
	}
	if e.Step != "" {
		t.record(StepRecord{Step: e.Step, State: Running, StartedAt: at})
	}
}

func (t *Target) step(e StepChanged) {
	t.record(StepRecord{Step: e.Step, State: e.State, StartedAt: e.StartedAt, EndedAt: e.EndedAt, Note: e.Note, Failure: e.Failure})
	if e.Next != "" {
		t.record(StepRecord{Step: e.Next, State: Running, StartedAt: e.EndedAt})
	}
}

// record notes how a step stands.
func (t *Target) record(s StepRecord) {
	if t.Step != s.Step {
		t.Step, t.Done, t.Bytes = s.Step, 0, 0
	}
	t.Steps = slices.Clone(t.Steps)
	if i := slices.IndexFunc(t.Steps, func(have StepRecord) bool { return have.Step == s.Step }); i >= 0 {
		t.Steps[i] = s
		return
	}
	t.Steps = append(t.Steps, s)
}

func (t *Target) end(e JobEnded, at time.Time) {
	if !e.State.Terminal() {
		return
	}
	if e.Last != nil {
		t.record(*e.Last)
	}
	t.State, t.EndedAt = e.State, at
	t.Release, t.Previous, t.Changed = e.Release, e.Previous, e.Changed
	t.Note, t.Failure = e.Note, e.Failure
}

func refOf(e Event) (TargetRef, bool) {
	switch e := e.(type) {
	case JobStarted:
		return e.On, true
	case StepChanged:
		return e.On, true
	case JobProgressed:
		return e.On, true
	case JobEnded:
		return e.On, true
	default:
		return TargetRef{}, false
	}
}
