package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rs/xid"
)

var (
	// ErrUnknownType says that a message is of a type that this version does not
	// know. It is not worth another try.
	ErrUnknownType = errors.New("unknown message type")
	// ErrMalformed says that a message cannot be read. It is not worth another
	// try.
	ErrMalformed = errors.New("malformed message")
)

// decoders is every message there is, by type.
var decoders = map[Type]func(json.RawMessage) (Body, error){
	TypeDeploy:          decode[DeployCommand],
	TypeRollback:        decode[RollbackCommand],
	TypeInit:            decode[InitCommand],
	TypeJobDeploy:       decode[DeployJob],
	TypeJobRollback:     decode[RollbackJob],
	TypeJobInit:         decode[InitJob],
	TypeJobTraffic:      decode[TrafficJob],
	TypeJobRetire:       decode[RetireJob],
	TypeAccepted:        decode[AcceptedEvent],
	TypePlanned:         decode[PlannedEvent],
	TypeWave:            decode[WaveEvent],
	TypeStatus:          decode[StatusEvent],
	TypeStop:            decode[StopEvent],
	TypeConcluded:       decode[ConcludedEvent],
	TypeJobStarted:      decode[JobStartedEvent],
	TypeJobStep:         decode[JobStepEvent],
	TypeJobProgress:     decode[JobProgressEvent],
	TypeJobEnded:        decode[JobEndedEvent],
	TypeJobOutput:       decode[JobOutputEvent],
	TypeGetDeployment:   decode[GetDeployment],
	TypeDeployment:      decode[Deployment],
	TypeListDeployments: decode[ListDeployments],
	TypeDeployments:     decode[Deployments],
	TypeListTargets:     decode[ListTargets],
	TypeTargets:         decode[Targets],
	TypeListOutput:      decode[ListOutput],
	TypeOutput:          decode[Output],
	TypeListRunning:     decode[ListRunning],
	TypeRunning:         decode[Running],
	TypeGetStatistics:   decode[GetStatistics],
	TypeStatistics:      decode[Statistics],
	TypeGetHistory:      decode[GetHistory],
	TypeHistory:         decode[History],
	TypeInspect:         decode[Inspect],
	TypeReleases:        decode[Releases],
	TypeResolveRef:      decode[ResolveRef],
	TypeResolvedRef:     decode[ResolvedRef],
	TypeTailLogs:        decode[TailLogs],
	TypeLogs:            decode[Logs],
	TypeControl:         decode[Control],
	TypeControlled:      decode[Controlled],
	TypeAdmit:           decode[Admit],
	TypeAdmitted:        decode[Admitted],
	TypeListLocks:       decode[ListLocks],
	TypeLocks:           decode[Locks],
	TypeBreakLock:       decode[BreakLock],
	TypeLockBroken:      decode[LockBroken],
	TypeRecordHostKey:   decode[RecordHostKey],
	TypeHostKey:         decode[HostKey],
	TypeReplica:         decode[ReplicaEvent],
	TypeRefused:         decode[Refused],
}

// Types returns the types of all messages, sorted.
func Types() []Type { return slices.Sorted(maps.Keys(decoders)) }

// Encode returns the message as it goes over the wire. What the envelope leaves
// open of version, id and time is filled in; type and data come from the body.
func Encode(e Envelope, body Body) ([]byte, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", body.MessageType(), err)
	}
	e.V, e.Type, e.Data = Version, body.MessageType(), data
	if e.ID == "" {
		e.ID = xid.New().String()
	}
	if e.Time.IsZero() {
		e.Time = time.Now().UTC()
	}
	return json.Marshal(e)
}

// Decode reads a message. It fails with ErrUnknownType or ErrMalformed.
func Decode(raw []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(raw, &m.Envelope); err != nil {
		return m, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	decode, ok := decoders[m.Type]
	if !ok || m.V != Version {
		return m, fmt.Errorf("%w: %q, version %d", ErrUnknownType, m.Type, m.V)
	}
	body, err := decode(m.Data)
	if err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrMalformed, m.Type, err)
	}
	m.Body, m.Data = body, nil
	return m, nil
}

func decode[B Body](data json.RawMessage) (Body, error) {
	var b B
	if string(data) == "null" { // which json would take for an empty body
		return nil, errors.New("no body")
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, err
	}
	return b, nil
}
