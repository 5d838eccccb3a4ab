package deploy

import "time"

// Record is one event in the order of the event stream. Folding a record whose
// sequence was folded already changes nothing.
type Record struct {
	Seq   uint64
	Time  time.Time
	Event Event
}

// Event is something that happened to a deployment or to one of its targets.
type Event interface{ isEvent() }

// Note is something that whoever asks for a deployment notes of it. Nothing follows from it.
type Note struct{ Name, Value string }

// Events of the deployment as a whole.
type (
	// WasAccepted opens a deployment.
	WasAccepted struct {
		Kind        Kind
		Project     string
		Application string
		Path        string
		Version     string // release to ship, or to roll back to; empty: whatever ran before
		Package     string // id of the package; deploy alone
		From        string // release to leave; rollback alone
		RollbackOf  string // deployment that is rolled back; rollback alone
		Actor       string // name of the token that asked
		Targets     int
		Waves       int
		Strategy    StrategyKind
		RetryOf     string // deployment whose failed hosts these are
		Batch       string // of deployments that were asked for together; empty: none
		Metadata    []Note // what whoever asked notes, by name
		Origin
		AcceptedAt time.Time
	}
	// WasPlanned names the targets of one piece, in the order of their ordinals.
	WasPlanned struct {
		First   int
		Targets []PlannedTarget
	}
	// WaveBegan says that the targets of a wave may start now.
	WaveBegan struct{ Wave int }
	// WasStatus says where a deployment stands that has not ended.
	WasStatus struct{ Status Status }
	// WasStopped says that no job may begin any more. WasStatus says why.
	WasStopped struct{ Cause Cause }
	// WasConcluded ends a deployment.
	WasConcluded struct {
		State  State
		Cause  Cause
		Reason string // why it ended so as a whole, where no target says so
		By     string
		Revert string // the deployment that takes this one back
	}
)

// Origin is by what its project says of deployments one was made: names, of which
// nobody asks any more what they mean now. "" is none.
type Origin struct {
	Stage    string
	Template string
	Group    string // by which the targets were chosen
}

// PlannedTarget is one host of a plan.
type PlannedTarget struct {
	Host string // server id
	Name string
	Wave int
}

// Events of one target.
type (
	// JobStarted begins an attempt.
	JobStarted struct {
		On       TargetRef
		Executor string
		Step     Step // the first, where it begins with the attempt
	}
	// StepChanged says that a step began or ended.
	StepChanged struct {
		On        TargetRef
		Step      Step
		State     State
		StartedAt time.Time
		EndedAt   time.Time
		Note      string
		Failure   *Failure
		Next      Step // the one that begins as this one ends, if it does
	}
	// JobProgressed says how far the step that runs has come, in bytes.
	JobProgressed struct {
		On          TargetRef
		Step        Step
		Done, Total int64
	}
	// JobEnded ends a target, once and for all.
	JobEnded struct {
		On       TargetRef
		State    State
		Release  string // what current points at now; empty: unknown or nothing
		Previous string // what it pointed at before
		Changed  bool   // whether this deployment moved the link
		Note     string
		Failure  *Failure
		Last     *StepRecord // how the last step ended, where nothing else has said so
	}
)

// TargetRef says which target an event is about.
type TargetRef struct {
	Target  int    // ordinal in the deployment
	Host    string // server id
	Attempt int
	Token   uint64
}

// Failure is why a step or a target failed: a stable code for programs, and a
// sentence for people that holds no secret.
type Failure struct {
	Code   string
	Reason string
}

func (WasAccepted) isEvent()   {}
func (WasPlanned) isEvent()    {}
func (WaveBegan) isEvent()     {}
func (WasStatus) isEvent()     {}
func (WasStopped) isEvent()    {}
func (WasConcluded) isEvent()  {}
func (JobStarted) isEvent()    {}
func (StepChanged) isEvent()   {}
func (JobProgressed) isEvent() {}
func (JobEnded) isEvent()      {}
