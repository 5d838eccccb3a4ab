package commands

import (
	"bytes"
	"encoding/json"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// readWork reads what an application needs on its hosts from a file in YAML, of which JSON is a part. No name is none.
func readWork(file string) (client.Work, error) {
	var w client.Work
	if file == "" {
		return w, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return w, err
	}
	content, err = yaml.YAMLToJSON(content)
	if err != nil {
		return w, usage("%s is not YAML: %v", file, err)
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, usage("%s must hold environment, linked, hooks, restart and checks alone: %v", file, err)
	}
	return w, nil
}
