package live

import (
	"encoding/json"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/events"
)

// Event is one as it is shown.
type Event struct {
	Seq        uint64
	Type       string
	Deployment string
	Project    string // "": none
	JSON       []byte // schema StreamEvent of openapi.yaml
	Last       bool   // nothing follows in its deployment
}

// show makes of a stored event what is shown of it. What cannot be read is not shown:
// history tells of it.
func show(s bus.Stored) (*Event, error) {
	m, err := contract.Decode(s.Data)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", s.Seq, err)
	}
	e, ok := events.Of(s.Seq, m)
	if !ok {
		return nil, fmt.Errorf("event %d: %w: %s", s.Seq, contract.ErrUnknownType, m.Type)
	}
	data, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event %d: %w", s.Seq, err)
	}
	return &Event{Seq: s.Seq, Type: e.Type, Deployment: e.Deployment, Project: e.Project, JSON: data, Last: e.Last()}, nil
}
