package contract

import "time"

// Types of queries and their answers.
const (
	TypeGetDeployment   Type = "slipway.v1.query.deployment.get"
	TypeDeployment      Type = "slipway.v1.query.deployment"
	TypeListDeployments Type = "slipway.v1.query.deployments.list"
	TypeDeployments     Type = "slipway.v1.query.deployments"
	TypeListTargets     Type = "slipway.v1.query.targets.list"
	TypeTargets         Type = "slipway.v1.query.targets"
	TypeInspect         Type = "slipway.v1.query.releases.inspect"
	TypeReleases        Type = "slipway.v1.query.releases"
	TypeRecordHostKey   Type = "slipway.v1.inventory.hostkey.record"
	TypeHostKey         Type = "slipway.v1.inventory.hostkey"
	TypeRefused         Type = "slipway.v1.query.refused"
)

// GetDeployment asks history for the deployment that the envelope names.
type GetDeployment struct {
	MinSeq uint64 `json:"min_seq,omitempty"` // sequence of EV that the answer must have seen
}

// Deployment is the answer to GetDeployment, and a row of Deployments.
type Deployment struct {
	ID          string     `json:"id"`
	Seq         uint64     `json:"seq"` // last event of it that was seen
	Kind        string     `json:"kind"`
	Project     string     `json:"project,omitempty"`
	Application string     `json:"application"`
	Path        string     `json:"path"`
	Version     string     `json:"version,omitempty"`
	Package     string     `json:"package,omitempty"`
	From        string     `json:"from,omitempty"`
	RollbackOf  string     `json:"rollback_of,omitempty"`
	Actor       string     `json:"actor"`
	State       string     `json:"state"`
	Cause       string     `json:"cause,omitempty"`    // why it stands or ended so, for programs
	Reason      string     `json:"reason,omitempty"`   // the same for people
	By          string     `json:"by,omitempty"`       // name of the token that asked for it
	Until       *time.Time `json:"until,omitempty"`    // when it goes on, or is given up, by itself
	Strategy    string     `json:"strategy,omitempty"` // all, serial, rolling or canary
	RetryOf     string     `json:"retry_of,omitempty"` // deployment whose failed hosts these are
	Batch       string     `json:"batch,omitempty"`    // id of the deployments that were asked for together
	Metadata    []Note     `json:"metadata,omitempty"` // what whoever asked notes, by name
	Origin
	// RolledBackBy is the deployment that takes back, or took back, what this one
	// has switched.
	RolledBackBy string     `json:"rolled_back_by,omitempty"`
	Targets      int        `json:"targets"`
	Wave         int        `json:"wave"`
	Waves        int        `json:"waves"`
	Counts       Counts     `json:"counts"`
	AcceptedAt   time.Time  `json:"accepted_at"`
	StartedAt    *time.Time `json:"started_at,omitempty"`
	EndedAt      *time.Time `json:"ended_at,omitempty"`
}

// Counts is how many targets are in which state.
type Counts struct {
	Pending   int `json:"pending"`
	Running   int `json:"running"`
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Cancelled int `json:"cancelled,omitempty"`
}

// ListDeployments asks history for deployments, in the order in which they were
// accepted, newest first unless Order says otherwise.
type ListDeployments struct {
	MinSeq uint64 `json:"min_seq,omitempty"` // sequence of EV that the answer must have seen
	Limit  int    `json:"limit"`             // 1 to 500
	// Before is the id of the last one of the page before. After says the same and
	// is to be preferred: it does not need that one to be there still.
	Before      string     `json:"before,omitempty"`
	After       *Place     `json:"after,omitempty"`
	Order       string     `json:"order,omitempty"` // newest (first) or oldest
	Application string     `json:"application,omitempty"`
	Project     string     `json:"project,omitempty"`
	State       string     `json:"state,omitempty"`
	Actor       string     `json:"actor,omitempty"` // name of the token that asked
	Batch       string     `json:"batch,omitempty"`
	Stage       string     `json:"stage,omitempty"`
	Template    string     `json:"template,omitempty"`
	Metadata    []Note     `json:"metadata,omitempty"` // all of which it has
	Server      string     `json:"server,omitempty"`
	Text        string     `json:"text,omitempty"` // beginnings of words in names
	From        *time.Time `json:"from,omitempty"` // accepted then or later
	To          *time.Time `json:"to,omitempty"`   // accepted before
}

// The orders of ListDeployments.
const (
	OrderNewest = "newest"
	OrderOldest = "oldest"
)

// Place is where a deployment stands in a list.
type Place struct {
	AcceptedAt time.Time `json:"accepted_at"`
	ID         string    `json:"id"`
}

// Deployments is the answer to ListDeployments.
type Deployments struct {
	Deployments []Deployment `json:"deployments"`
	More        bool         `json:"more"`
}

// ListTargets asks history for targets of the deployment that the envelope
// names, in the order of the plan.
type ListTargets struct {
	MinSeq uint64 `json:"min_seq,omitempty"`
	First  int    `json:"first"` // ordinal
	Limit  int    `json:"limit"` // 1 to 500
	State  string `json:"state,omitempty"`
}

// Targets is the answer to ListTargets.
type Targets struct {
	Targets []TargetStatus `json:"targets"`
	Next    int            `json:"next,omitempty"` // First of the next page; 0: no more
}

// TargetStatus is how a deployment stands on one host.
type TargetStatus struct {
	Target    int          `json:"target"` // ordinal
	Host      string       `json:"host"`
	Name      string       `json:"name"`
	Wave      int          `json:"wave"`
	State     string       `json:"state"`
	Attempt   int          `json:"attempt"`
	Executor  string       `json:"executor,omitempty"`
	Step      string       `json:"step,omitempty"`
	Done      int64        `json:"done,omitempty"`  // bytes of the step that runs
	Bytes     int64        `json:"bytes,omitempty"` // its total
	Steps     []StepStatus `json:"steps"`
	StartedAt *time.Time   `json:"started_at,omitempty"`
	EndedAt   *time.Time   `json:"ended_at,omitempty"`
	Release   string       `json:"release,omitempty"`
	Previous  string       `json:"previous,omitempty"`
	Changed   bool         `json:"changed,omitempty"`
	Note      string       `json:"note,omitempty"`
	Failure   *Failure     `json:"failure,omitempty"`
}

// StepStatus is how a step of the last attempt stands.
type StepStatus struct {
	Step      string     `json:"step"`
	Phase     string     `json:"phase"` // pre, deploy or post
	State     string     `json:"state"`
	StartedAt time.Time  `json:"started_at"`
	EndedAt   *time.Time `json:"ended_at,omitempty"`
	Note      string     `json:"note,omitempty"`
	Failure   *Failure   `json:"failure,omitempty"`
}

// Inspect asks an executor to read from hosts which releases they hold. It
// changes nothing there.
type Inspect struct {
	Path    string   `json:"path"`
	Targets []Target `json:"targets"` // at most InspectLimit
}

// InspectLimit is how many hosts one Inspect may name: an executor reads them at
// once, and answers when the slowest has.
const InspectLimit = 20

// Releases is the answer to Inspect, a row for each host in the order asked.
type Releases struct {
	Hosts []HostReleases `json:"hosts"`
}

// HostReleases is what one host holds.
type HostReleases struct {
	Host     string    `json:"host"`
	Current  string    `json:"current,omitempty"`  // release that the link points at; empty: none
	Intact   bool      `json:"intact,omitempty"`   // the link points at a complete release, whose files are as they were staged
	Previous string    `json:"previous,omitempty"` // where a rollback would go
	Releases []Release `json:"releases,omitempty"`
	Failure  *Failure  `json:"failure,omitempty"` // the host could not be read
}

// Release is a complete release on a host.
type Release struct {
	Version string `json:"version"`
	SHA256  string `json:"sha256"` // of the package it came from
}

// RecordHostKey asks the gateway to keep the key that the envelope's host
// offered on first contact, unless it knows one already. An executor goes on
// only once it has the answer.
type RecordHostKey struct {
	Key string `json:"key"` // authorized_keys line
}

// HostKey is the answer to RecordHostKey: the key that counts from now on.
type HostKey struct {
	Key string `json:"key"`
}

// Refused is the answer to a query that cannot be answered.
type Refused struct {
	Code    string `json:"code"` // not_found, archived, invalid, conflict, limit or unavailable
	Message string `json:"message"`
	Field   string `json:"field,omitempty"` // of the question, where it is to blame alone
}

// Codes of Refused.
const (
	RefusedNotFound    = "not_found"
	RefusedArchived    = "archived" // it was there, and is in the archive
	RefusedInvalid     = "invalid"
	RefusedConflict    = "conflict"
	RefusedLimit       = "limit"
	RefusedUnavailable = "unavailable"
)

// MessageType implements Body.
func (GetDeployment) MessageType() Type { return TypeGetDeployment }

// MessageType implements Body.
func (Deployment) MessageType() Type { return TypeDeployment }

// MessageType implements Body.
func (ListDeployments) MessageType() Type { return TypeListDeployments }

// MessageType implements Body.
func (Deployments) MessageType() Type { return TypeDeployments }

// MessageType implements Body.
func (ListTargets) MessageType() Type { return TypeListTargets }

// MessageType implements Body.
func (Targets) MessageType() Type { return TypeTargets }

// MessageType implements Body.
func (Inspect) MessageType() Type { return TypeInspect }

// MessageType implements Body.
func (Releases) MessageType() Type { return TypeReleases }

// MessageType implements Body.
func (RecordHostKey) MessageType() Type { return TypeRecordHostKey }

// MessageType implements Body.
func (HostKey) MessageType() Type { return TypeHostKey }

// MessageType implements Body.
func (Refused) MessageType() Type { return TypeRefused }
