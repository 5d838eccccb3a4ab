package commands

import (
	"bytes"
	"encoding/json"
	"os"
)

// readDocument reads the JSON file that a flag names, which holds what the API takes as T.
func readDocument[T any](flag, name string) (*T, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, usage("--%s: %w", flag, err)
	}
	var document T
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&document); err != nil {
		return nil, usage("--%s: %s: %w", flag, name, err)
	}
	return &document, nil
}
