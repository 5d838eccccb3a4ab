package profile

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

//go:embed defaults.yaml
var defaults []byte

// ErrUnfit says that a file of profiles cannot be used, and why.
var ErrUnfit = errors.New("profiles")

// Fields are those of a request that a profile may give, beside logs.
var Fields = []string{"path", "keep", "environment", "linked", "hooks", "runtime", "link", "restart", "checks"}

var form = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// Profile is what applications of one language have in common.
type Profile struct{ fields map[string]any }

// Profiles are those that there are, by name.
type Profiles map[string]Profile

// Load returns the built-in profiles, and over them those of a file in YAML; "" is no
// file. One of the file takes the place of a built-in one of its name as a whole. The
// error is ErrUnfit, or that of reading the file.
func Load(file string) (Profiles, error) {
	all, err := parse(defaults)
	if err != nil || file == "" {
		return all, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	own, err := parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	maps.Copy(all, own)
	return all, nil
}

func parse(content []byte) (Profiles, error) {
	document, err := yaml.YAMLToJSON(content)
	if err != nil {
		return nil, fmt.Errorf("%w: not YAML: %w", ErrUnfit, err)
	}
	var read map[string]map[string]any
	if err := json.Unmarshal(document, &read); err != nil {
		return nil, fmt.Errorf("%w: not a mapping of names to profiles: %w", ErrUnfit, err)
	}
	all := Profiles{}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if !form.MatchString(name) {
			errs = append(errs, fmt.Errorf("%w: %q is no name: lower-case letters, digits, '_' and '-', beginning with a letter or digit", ErrUnfit, name))
		}
		for field := range read[name] {
			if field != "logs" && !slices.Contains(Fields, field) {
				errs = append(errs, fmt.Errorf("%w: %s.%s: a profile has %s and logs alone", ErrUnfit, name, field, strings.Join(Fields, ", ")))
			}
		}
		all[name] = Profile{read[name]}
	}
	return all, errors.Join(errs...)
}

// Names are the names of all profiles, in order.
func (p Profiles) Names() []string { return slices.Sorted(maps.Keys(p)) }

// For returns what the profile says of an application that lies in a directory, by the
// names of fields, in JSON.
func (p Profile) For(application, directory string) map[string]json.RawMessage {
	fill := strings.NewReplacer("{{application}}", application, "{{directory}}", directory)
	said := map[string]json.RawMessage{}
	for name, value := range p.fields {
		raw, err := json.Marshal(filled(value, fill))
		if err != nil {
			panic(err) // it has been read from JSON
		}
		said[name] = raw
	}
	return said
}

// filled returns the value with all texts in it filled in.
func filled(value any, fill *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return fill.Replace(v)
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = filled(v[i], fill)
		}
		return all
	case map[string]any:
		all := map[string]any{}
		for key := range v {
			all[key] = filled(v[key], fill)
		}
		return all
	}
	return value
}
