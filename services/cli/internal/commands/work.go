package commands

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// readWork reads what an application needs on its hosts from a file in YAML, of which JSON is a part. No name is none.
func readWork(file string) (client.Work, error) {
	var w client.Work
	if file == "" {
		return w, nil
	}
	content, err := readYAML(file)
	if err != nil {
		return w, err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return w, usage("%s must hold environment, secrets, linked, hooks, runtime, link, restart and checks alone: %v", file, err)
	}
	return w, nil
}

// readYAML reads a file in YAML, of which JSON is a part, as JSON.
func readYAML(file string) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{err}
	}
	content, err = yaml.YAMLToJSON(content)
	if err != nil {
		return nil, usage("%s is not YAML: %s", file, yaml.FormatError(err, false, false)) // without the lines around: they may hold secrets
	}
	return content, nil
}

// readDefaults reads what deployments are to say by themselves; no name is nothing.
func readDefaults(file string) (json.RawMessage, error) {
	if file == "" {
		return nil, nil
	}
	content, err := readYAML(file)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(content, &fields); err != nil {
		return nil, usage("%s must hold names and values", file)
	}
	return content, nil
}

// addSecrets adds secrets to what an application needs. Each is given as the NAME of a variable in the environment of
// this program, or as NAME=FILE.
func (a *app) addSecrets(w *client.Work, given []string) error {
	if len(given) == 0 {
		return nil
	}
	secrets := map[string]json.RawMessage{}
	if w.Secrets != nil && json.Unmarshal(w.Secrets, &secrets) != nil {
		return usage("the secrets of --needs must be names and values")
	}
	var files []string
	for _, one := range given {
		_, file, _ := strings.Cut(one, "=")
		files = append(files, file)
	}
	if err := a.onlyOneInput(files...); err != nil {
		return err
	}
	for _, one := range given {
		name, file, fromFile := strings.Cut(one, "=")
		if _, twice := secrets[name]; twice {
			return usage("the secret %s is given twice", name)
		}
		value, err := a.secretValue(name, file, fromFile)
		if err != nil {
			return err
		}
		secrets[name], _ = json.Marshal(value) // a string: that cannot fail
	}
	var err error
	w.Secrets, err = json.Marshal(secrets)
	return err
}

// secretValue reads a secret. A single line of a file loses its line break, which is hardly meant; a key in PEM keeps
// all of them.
func (a *app) secretValue(name, file string, fromFile bool) (string, error) {
	if !fromFile {
		value, ok := os.LookupEnv(name)
		if !ok {
			return "", usage("there is no %s in the environment; a secret in a file is given as %s=FILE", name, name)
		}
		return value, nil
	}
	value, err := a.readSecret(file)
	if line := strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r"); !strings.Contains(line, "\n") {
		value = line
	}
	return value, err
}

// placeFlags adds the flags that say where an application lies.
func placeFlags(cmd *cobra.Command, p *client.Place) {
	flags := cmd.Flags()
	flags.StringVar(&p.Path, "path", "", "where the application lies on the hosts (default: as its profile says, or apps/APPLICATION)")
	flags.StringVar(&p.Profile, "profile", "", "language of the application: static, php, java, golang, python, or what the server knows besides")
	flags.StringVar(&p.Directory, "directory", "", "what the profile puts into the path (default: APPLICATION)")
}
