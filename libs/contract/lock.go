package contract

import "time"

// Types of messages about who has what: hosts, and places among the deployments
// that may be under way at once.
const (
	TypeAdmit      Type = "slipway.v1.admit"
	TypeAdmitted   Type = "slipway.v1.admit.done"
	TypeListLocks  Type = "slipway.v1.query.locks.list"
	TypeLocks      Type = "slipway.v1.query.locks"
	TypeBreakLock  Type = "slipway.v1.lock.break"
	TypeLockBroken Type = "slipway.v1.lock.break.done"
)

// Admit asks a scheduler to keep a place for the deployment that the envelope
// names, of the envelope's project, whose command comes after it. It is answered
// by Admitted, or by Refused: limit where there is none. A place for which no
// command comes is taken back after a while.
type Admit struct{}

// Admitted says that the deployment has a place.
type Admitted struct{}

// ListLocks asks a scheduler which hosts are locked, in the order of their ids.
type ListLocks struct {
	Limit int    `json:"limit"`           // 1 to 500
	After string `json:"after,omitempty"` // id of the last host of the page before
	Host  string `json:"host,omitempty"`  // this one alone
}

// Locks is the answer to ListLocks.
type Locks struct {
	Hosts []HostLock `json:"hosts"`
	More  bool       `json:"more,omitempty"`
	Slots Slots      `json:"slots"`
}

// HostLock is a host that a deployment has, and those that wait for it in order.
type HostLock struct {
	Host    string   `json:"host"`
	Owner   string   `json:"owner"`             // deployment
	Waiting []string `json:"waiting,omitempty"` // deployments
}

// Slots is who is under way, where that is limited.
type Slots struct {
	All     int    `json:"all,omitempty"`     // that may be under way; 0: any number
	Project int    `json:"project,omitempty"` // of one project; the same
	Holders []Slot `json:"holders,omitempty"`
	Waiting []Slot `json:"waiting,omitempty"` // in order, the first of them
}

// Slot is a deployment that has a place, or waits for one.
type Slot struct {
	Deployment string    `json:"deployment"`
	Project    string    `json:"project,omitempty"`
	Since      time.Time `json:"since"`
}

// BreakLock asks a scheduler to take the envelope's host from the deployment that
// has it, which fails there. It is answered by LockBroken, or by Refused:
// not_found where nobody has it, conflict where another has it than expected.
type BreakLock struct {
	Deployment string `json:"deployment"` // that has it, as the person saw it
	Actor      string `json:"actor"`
	Reason     string `json:"reason,omitempty"` // in words of the person
}

// LockBroken says whom the host was taken from.
type LockBroken struct {
	Deployment string `json:"deployment"`
}

// MessageType implements Body.
func (Admit) MessageType() Type { return TypeAdmit }

// MessageType implements Body.
func (Admitted) MessageType() Type { return TypeAdmitted }

// MessageType implements Body.
func (ListLocks) MessageType() Type { return TypeListLocks }

// MessageType implements Body.
func (Locks) MessageType() Type { return TypeLocks }

// MessageType implements Body.
func (BreakLock) MessageType() Type { return TypeBreakLock }

// MessageType implements Body.
func (LockBroken) MessageType() Type { return TypeLockBroken }
