package deploy

import (
	"maps"
	"time"
)

// Mark is the last event that a document of several deployments has folded.
// Sequences of different installations have nothing to do with each other.
type Mark struct {
	Seq          uint64
	Installation string
}

// passes says whether the event comes after all that the document has folded, and
// notes that it is folded now.
func (m *Mark) passes(event Mark) bool {
	if m.Installation == event.Installation && event.Seq <= m.Seq {
		return false
	}
	*m = event
	return true
}

// Conclusion is what statistics take from the end of a deployment.
type Conclusion struct {
	Mark
	Application string
	Kind        Kind
	State       State
	AcceptedAt  time.Time
	StartedAt   time.Time // zero: it never began
	EndedAt     time.Time
	Targets     Counts
	// Restored is since when the application had been failing that this end has
	// put right; zero: it was not, or is not put right.
	Restored time.Time
}

// ConclusionOf returns what statistics take from this event, and false where it does
// not end its deployment. The header may have folded events after it: what has
// ended does not change any more.
func ConclusionOf(h Header, r Record, installation string) (Conclusion, bool) {
	if h.EndedSeq == 0 || h.EndedSeq != r.Seq || h.Application == "" {
		return Conclusion{}, false
	}
	return Conclusion{
		Mark: Mark{r.Seq, installation}, Application: h.Application, Kind: h.Kind, State: h.State,
		AcceptedAt: h.AcceptedAt.Truncate(precision), StartedAt: h.StartedAt.Truncate(precision), EndedAt: h.EndedAt.Truncate(precision),
		Targets: h.Total(),
	}, true
}

// precision of times in documents. What is reckoned from them must come to the same
// whether they were stored in between or not.
const precision = time.Millisecond

// Outcomes is how many deployments ended how.
type Outcomes struct {
	Succeeded, Failed, Cancelled, Rejected int
}

// Sum is how many ended.
func (o Outcomes) Sum() int { return o.Succeeded + o.Failed + o.Cancelled + o.Rejected }

func (o *Outcomes) count(s State) {
	switch s {
	case Succeeded:
		o.Succeeded++
	case Failed:
		o.Failed++
	case Cancelled:
		o.Cancelled++
	case Rejected:
		o.Rejected++
	}
}

func (o *Outcomes) merge(other Outcomes) {
	o.Succeeded += other.Succeeded
	o.Failed += other.Failed
	o.Cancelled += other.Cancelled
	o.Rejected += other.Rejected
}

// Statistics is the document of what deployments came to: those of an application
// or of all, that ended on a day or ever.
type Statistics struct {
	Application string // "": of all
	Day         string // of UTC, such as 2026-03-01; "": ever
	Mark
	Deploys   Outcomes
	Rollbacks Outcomes
	Hosts     Outcomes  // of all kinds; Rejected stands for those that were skipped
	Durations Histogram // from the first host's beginning to the end
	LeadTimes Histogram // of deploys that succeeded: from the request to the end
	Restores  Histogram // from a failure to the next success of the application
	// FailingSince is when the first failure ended that no success has followed; of
	// one application, ever.
	FailingSince time.Time
}

// DayOf is how the day of a time is written.
func DayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Clone returns a copy that Fold may change.
func (s Statistics) Clone() Statistics {
	s.Durations, s.LeadTimes, s.Restores = maps.Clone(s.Durations), maps.Clone(s.LeadTimes), maps.Clone(s.Restores)
	return s
}

// Restored is since when the application of these statistics, which are those of
// ever, had been failing that this end puts right; zero: it was not.
func (s Statistics) Restored(e Conclusion) time.Time {
	if e.State != Succeeded || s.Installation == e.Installation && e.Seq <= s.Seq {
		return time.Time{}
	}
	return s.FailingSince
}

// Fold counts the end of a deployment, in place, unless it was counted before.
func (s *Statistics) Fold(e Conclusion) {
	if !s.passes(e.Mark) {
		return
	}
	if e.Kind == KindRollback {
		s.Rollbacks.count(e.State)
	} else {
		s.Deploys.count(e.State)
	}
	s.Hosts.merge(Outcomes{
		Succeeded: e.Targets.Succeeded, Failed: e.Targets.Failed, Cancelled: e.Targets.Cancelled, Rejected: e.Targets.Skipped,
	})
	if !e.StartedAt.IsZero() {
		s.Durations.Add(e.EndedAt.Sub(e.StartedAt))
	}
	if e.State == Succeeded && e.Kind != KindRollback {
		s.LeadTimes.Add(e.EndedAt.Sub(e.AcceptedAt))
	}
	if !e.Restored.IsZero() {
		s.Restores.Add(e.EndedAt.Sub(e.Restored))
	}
	s.note(e)
}

// note keeps since when the application has been failing.
func (s *Statistics) note(e Conclusion) {
	if s.Application == "" || s.Day != "" {
		return
	}
	switch {
	case e.State == Succeeded:
		s.FailingSince = time.Time{}
	case e.State == Failed && s.FailingSince.IsZero():
		s.FailingSince = e.EndedAt
	}
}

// Merge adds other statistics up with these, whose histograms must be their own.
func (s *Statistics) Merge(other Statistics) {
	s.Deploys.merge(other.Deploys)
	s.Rollbacks.merge(other.Rollbacks)
	s.Hosts.merge(other.Hosts)
	s.Durations.Merge(other.Durations)
	s.LeadTimes.Merge(other.LeadTimes)
	s.Restores.Merge(other.Restores)
}

// FailureRate is the share of changes that failed, 0 to 1, among the deploys that
// succeeded or failed; 0 where there are none.
func (s Statistics) FailureRate() float64 {
	if n := s.Deploys.Succeeded + s.Deploys.Failed; n > 0 {
		return float64(s.Deploys.Failed) / float64(n)
	}
	return 0
}
