package client

import "encoding/json"

// Work is what an application needs on its hosts beside being put there. The client passes on what it was given:
// the gateway says what is wrong with it.
type Work struct {
	Environment json.RawMessage `json:"environment,omitempty"`
	Secrets     json.RawMessage `json:"secrets,omitempty"`
	Sealed      json.RawMessage `json:"sealed_environment,omitempty"`
	Linked      json.RawMessage `json:"linked,omitempty"`
	Hooks       json.RawMessage `json:"hooks,omitempty"`
	Runtime     json.RawMessage `json:"runtime,omitempty"`
	Link        json.RawMessage `json:"link,omitempty"`
	Restart     json.RawMessage `json:"restart,omitempty"`
	Checks      json.RawMessage `json:"checks,omitempty"`
}

// Place says where an application lies on servers. What is empty is left to the gateway.
type Place struct {
	Path      string `json:"path,omitempty"`
	Profile   string `json:"profile,omitempty"`   // language; it says more than the path of a deployment
	Directory string `json:"directory,omitempty"` // that the profile puts into the path
}
