package contract

import "time"

// Types of events.
const (
	TypeAccepted  Type = "slipway.v1.ev.deployment.accepted"
	TypePlanned   Type = "slipway.v1.ev.deployment.planned"
	TypeWave      Type = "slipway.v1.ev.deployment.wave"
	TypeStatus    Type = "slipway.v1.ev.deployment.status"
	TypeStop      Type = "slipway.v1.ev.deployment.stop"
	TypeConcluded Type = "slipway.v1.ev.deployment.concluded"

	TypeJobStarted  Type = "slipway.v1.ev.job.started"
	TypeJobStep     Type = "slipway.v1.ev.job.step"
	TypeJobProgress Type = "slipway.v1.ev.job.progress"
	TypeJobEnded    Type = "slipway.v1.ev.job.ended"
)

// AcceptedEvent opens a deployment.
type AcceptedEvent struct {
	Kind        string `json:"kind"` // deploy or rollback
	Application string `json:"application"`
	Path        string `json:"path"`
	Version     string `json:"version,omitempty"`
	Package     string `json:"package,omitempty"`     // id
	From        string `json:"from,omitempty"`        // rollback: release to leave
	RollbackOf  string `json:"rollback_of,omitempty"` // rollback: deployment
	Actor       string `json:"actor"`
	Targets     int    `json:"targets"`
	Waves       int    `json:"waves"`
	Strategy    string `json:"strategy,omitempty"`
	RetryOf     string `json:"retry_of,omitempty"` // deployment whose failed hosts these are
	Batch       string `json:"batch,omitempty"`    // id of the deployments that were asked for together
	Metadata    []Note `json:"metadata,omitempty"` // what whoever asked notes, by name
	Origin
	AcceptedAt time.Time `json:"accepted_at"`
}

// PlannedEvent names the targets of one piece of the plan.
type PlannedEvent struct {
	First   int             `json:"first"` // ordinal of the first
	Targets []PlannedTarget `json:"targets"`
}

// PlannedTarget is one host of a plan.
type PlannedTarget struct {
	Host string `json:"host"`
	Name string `json:"name"`
	Wave int    `json:"wave"`
}

// WaveEvent says that the targets of the envelope's wave may start.
type WaveEvent struct{}

// StatusEvent says where a deployment stands that has not ended.
type StatusEvent struct {
	State  string     `json:"state"`            // any that is not terminal, but accepted
	Cause  string     `json:"cause,omitempty"`  // why, for programs
	Reason string     `json:"reason,omitempty"` // why, for people
	Actor  string     `json:"actor,omitempty"`  // name of the token that asked for it
	Until  *time.Time `json:"until,omitempty"`  // when it goes on, or is given up, by itself
	// RolledBackBy is the deployment that takes back what this one has switched.
	RolledBackBy string `json:"rolled_back_by,omitempty"`
}

// StopEvent says that no job of the deployment may begin any more, and that those
// that run end between two steps.
type StopEvent struct {
	Cause string `json:"cause"`
}

// ConcludedEvent ends a deployment.
type ConcludedEvent struct {
	State  string `json:"state"`            // succeeded, failed, cancelled or rejected
	Cause  string `json:"cause,omitempty"`  // why it did not succeed, for programs
	Reason string `json:"reason,omitempty"` // why it ended so as a whole, where no target says so
	Actor  string `json:"actor,omitempty"`  // name of the token that asked for this end
	// RolledBackBy is the deployment that took back what this one had switched.
	RolledBackBy string `json:"rolled_back_by,omitempty"`
}

// JobStartedEvent begins an attempt on a host. The sequence that it is stored
// under is the attempt's fencing token.
type JobStartedEvent struct {
	Executor string `json:"executor"`
	Step     string `json:"step,omitempty"` // the first, where it begins with the attempt
}

// JobStepEvent says that a step began (running) or ended.
type JobStepEvent struct {
	Step      string     `json:"step"`
	State     string     `json:"state"` // running, succeeded, failed, skipped or cancelled
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Note      string     `json:"note,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
	Next      string     `json:"next,omitempty"` // the step that begins as this one ends
}

// JobProgressEvent says how far the running step has come.
type JobProgressEvent struct {
	Step  string `json:"step"`
	Done  int64  `json:"done"`  // bytes
	Total int64  `json:"total"` // bytes; 0 where unknown
}

// JobEndedEvent ends a job: the one terminal event of a deployment on a host.
type JobEndedEvent struct {
	State    string   `json:"state"` // succeeded, failed, skipped or cancelled
	Release  string   `json:"release,omitempty"`
	Previous string   `json:"previous,omitempty"`
	Changed  bool     `json:"changed,omitempty"` // the deployment moved the link; of a balancer: traffic may go elsewhere since
	Note     string   `json:"note,omitempty"`
	Failure  *Failure `json:"failure,omitempty"`
	// Step is how the last step ended, where nothing else has said so.
	Step *LastStep `json:"step,omitempty"`
}

// LastStep is the end of a step with which its job ends.
type LastStep struct {
	Step      string    `json:"step"`
	State     string    `json:"state"` // succeeded, failed or cancelled
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Note      string    `json:"note,omitempty"`
	Failure   *Failure  `json:"failure,omitempty"`
}

// Failure is why something failed.
type Failure struct {
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

// MessageType implements Body.
func (AcceptedEvent) MessageType() Type { return TypeAccepted }

// MessageType implements Body.
func (PlannedEvent) MessageType() Type { return TypePlanned }

// MessageType implements Body.
func (WaveEvent) MessageType() Type { return TypeWave }

// MessageType implements Body.
func (StatusEvent) MessageType() Type { return TypeStatus }

// MessageType implements Body.
func (StopEvent) MessageType() Type { return TypeStop }

// MessageType implements Body.
func (ConcludedEvent) MessageType() Type { return TypeConcluded }

// MessageType implements Body.
func (JobStartedEvent) MessageType() Type { return TypeJobStarted }

// MessageType implements Body.
func (JobStepEvent) MessageType() Type { return TypeJobStep }

// MessageType implements Body.
func (JobProgressEvent) MessageType() Type { return TypeJobProgress }

// MessageType implements Body.
func (JobEndedEvent) MessageType() Type { return TypeJobEnded }
