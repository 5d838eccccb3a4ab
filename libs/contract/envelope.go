package contract

import (
	"encoding/json"
	"time"
)

// Envelope is around every message.
type Envelope struct {
	V           int             `json:"v"`                     // Version
	ID          string          `json:"id"`                    // unique; a repeat of the same message keeps it
	Type        Type            `json:"type"`                  // names the body
	Deployment  string          `json:"deployment,omitempty"`  // id
	Project     string          `json:"project,omitempty"`     // name
	Host        string          `json:"host,omitempty"`        // server id
	Target      int             `json:"target,omitempty"`      // ordinal of the host in the deployment, from 0
	Wave        int             `json:"wave,omitempty"`        // from 0
	Attempt     int             `json:"attempt,omitempty"`     // of the job on the host, from 1
	Token       uint64          `json:"token,omitempty"`       // fencing token of the attempt
	Time        time.Time       `json:"time"`                  // when it was said, UTC
	Traceparent string          `json:"traceparent,omitempty"` // W3C trace context
	Data        json.RawMessage `json:"data"`                  // the body
}

// Type names a message and its version.
type Type string

// Body is the content of a message. Each body knows its type.
type Body interface{ MessageType() Type }

// Message is an envelope with its body decoded. Envelope.Data is not kept.
type Message struct {
	Envelope
	Body Body
}

// TokenAt is the fencing token of the attempt that said this, given the sequence that
// EV has it under; 0 where none did. The first word of an attempt is what its token is
// made of, and so cannot hold it.
func (m Message) TokenAt(seq uint64) uint64 {
	if _, first := m.Body.(JobStartedEvent); first {
		return seq
	}
	return m.Token
}
