package contract

// TypeReplica is the type of messages about the life of a service's replica.
const TypeReplica Type = "slipway.v1.replica"

// ReplicasKept is how many events about replicas are kept at most.
const ReplicasKept = 10_000

// ReplicaState is where a replica of a service stands.
type ReplicaState string

// The states. A replica says the first four of itself; the others are what a
// gateway finds: one that dies says nothing.
const (
	ReplicaStarted  ReplicaState = "started"  // it answers, and is not ready: not yet, or what it needs is away
	ReplicaReady    ReplicaState = "ready"    // it does its work
	ReplicaStopping ReplicaState = "stopping" // it takes nothing new
	ReplicaStopped  ReplicaState = "stopped"
	ReplicaLost     ReplicaState = "lost"     // it has not answered for a while
	ReplicaReturned ReplicaState = "returned" // it answers again
)

// ReplicaEvent says where a replica stands from now on. Nothing follows from it but
// what people and readiness are told.
type ReplicaEvent struct {
	Service string       `json:"service"`
	Replica string       `json:"replica"` // id, which no other has
	State   ReplicaState `json:"state"`
	Version string       `json:"version,omitempty"` // of the program
	Machine string       `json:"machine,omitempty"` // that it runs on
	By      string       `json:"by,omitempty"`      // id of the gateway that found it so
}

// MessageType implements Body.
func (ReplicaEvent) MessageType() Type { return TypeReplica }
