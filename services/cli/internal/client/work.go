package client

import "encoding/json"

// Work is what an application needs on its hosts beside being put there. The client passes on what it was given:
// the gateway says what is wrong with it.
type Work struct {
	Environment json.RawMessage `json:"environment,omitempty"`
	Linked      json.RawMessage `json:"linked,omitempty"`
	Hooks       json.RawMessage `json:"hooks,omitempty"`
	Restart     json.RawMessage `json:"restart,omitempty"`
	Checks      json.RawMessage `json:"checks,omitempty"`
}
