package dialects

import (
	"context"
	"encoding/json"
	"time"
)

// Stream shows a deployment as it goes on, to its end: as server-sent events, or over a
// WebSocket where the client asks for one. Who comes back is shown what came after the
// event that it names (Last-Event-ID, or after in the query).
type Stream struct {
	Deployment string
	// Say says an event in the dialect: nothing, or some messages. It is called for one
	// after another.
	Say func(context.Context, Event) ([]Message, error)
}

// Event is one of a deployment, as openapi.yaml has it (StreamEvent).
type Event struct {
	Type   string          `json:"type"`
	Time   time.Time       `json:"time"`
	Server string          `json:"server"` // id; "": of the deployment as a whole
	Data   json.RawMessage `json:"data"`
}

// Message is shown to a client; the body is encoded as JSON.
type Message struct {
	Type string // of the server-sent event
	Body any
}
