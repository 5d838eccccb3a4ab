package malformed

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/openapitest"
)

// Maker makes requests. It is for one goroutine.
type Maker struct {
	Document *openapitest.Document
	// Known are values that are there, by the name of the parameter or field that they
	// fit: of paths as "/v1/servers id".
	Known map[string][]string
	// Secret stands where a secret belongs. Nothing may ever repeat it.
	Secret string

	rand *rand.Rand
}

// New returns a maker whose requests follow from the seed.
func New(d *openapitest.Document, seed uint64) *Maker {
	return &Maker{Document: d, rand: rand.New(rand.NewPCG(seed, 0))} //nolint:gosec // chance is to be repeatable
}

// deepest is how far a value goes into schemas that name others.
const deepest = 8

func (m *Maker) chance(p float64) bool { return m.rand.Float64() < p }

func pick[T any](m *Maker, from []T) T { return from[m.rand.IntN(len(from))] }

// object is a JSON object whose fields have an order, and may be there twice.
type object []*field

type field struct {
	name  string
	value any
}

// value returns a value of the schema under a pointer, for a field of this name.
func (m *Maker) value(pointer, name string, depth int) any {
	here, pointer := m.Document.At(pointer)
	s, _ := here.(map[string]any)
	examples, _ := s["examples"].([]any)
	values, _ := s["enum"].([]any)
	known := m.Known[name]
	switch {
	case m.isSecret(s, pointer, name):
		return m.Secret
	case len(known) > 0 && m.chance(0.7):
		return m.known(s, known)
	case s["const"] != nil:
		return s["const"]
	case len(values) > 0:
		return pick(m, values)
	case len(examples) > 0 && m.chance(0.6):
		return local(ordered(pick(m, examples)))
	}
	for _, word := range []string{"oneOf", "anyOf", "allOf"} {
		if choices, _ := s[word].([]any); len(choices) > 0 && s["properties"] == nil {
			return m.value(fmt.Sprintf("%s/%s/%d", pointer, word, m.rand.IntN(len(choices))), name, depth)
		}
	}
	return m.ofType(s, pointer, name, depth)
}

func (m *Maker) known(s map[string]any, known []string) any {
	if s["type"] == "array" {
		return []any{pick(m, known)}
	}
	return pick(m, known)
}

func (m *Maker) isSecret(s map[string]any, pointer, name string) bool {
	if kind := s["type"]; kind != "string" && kind != nil {
		return false
	}
	return s["format"] == "password" || s["writeOnly"] == true || name == "password" || name == "private_key" || name == "passphrase" ||
		strings.Contains(pointer, "Secret")
}

func (m *Maker) ofType(s map[string]any, pointer, name string, depth int) any {
	kind := s["type"]
	if all, ok := kind.([]any); ok {
		kind = pick(m, all)
	}
	switch kind {
	case "object":
		return m.object(s, pointer, depth)
	case "array":
		list := []any{}
		for range m.rand.IntN(3) {
			if s["items"] != nil && depth < deepest {
				list = append(list, m.value(pointer+"/items", name, depth+1))
			}
		}
		return list
	case "integer", "number":
		if least, ok := s["minimum"].(json.Number); ok {
			return least
		}
		return m.rand.IntN(100)
	case "boolean":
		return m.chance(0.5)
	case "null":
		return nil
	default:
		return m.text(s, name)
	}
}

// text is one of a form that the schema or the name tells; else it is any.
func (m *Maker) text(s map[string]any, name string) string {
	switch {
	case s["format"] == "date-time":
		return pick(m, moments)
	case s["format"] == "date":
		return pick(m, days)
	case name == "cursor":
		return cursor(pick(m, marks))
	default:
		return pick(m, []string{"text", "30s", "web-1", "1.0", "2026-03-01T12:00:00Z", "/srv/shop", "shop"})
	}
}

// moments are valid, and in UTC some of them are in years that cannot be written.
var moments = []string{
	"2026-03-01T12:00:00Z", "2026-03-01T12:00:00.5+14:00", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59-23:00",
	"0000-01-01T00:00:00+23:00", "0000-06-01T00:00:00Z", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01", "1969-12-31T23:59:59Z",
}

var days = []string{"2026-03-01", "2024-02-29", "9999-12-31", "0000-01-01", "0000-12-31", "0001-01-01", "0001-01-05"}

// marks are what cursors may be made of, up to the ends of numbers and of the calendar.
var marks = []string{
	"1772366400000.d3v5k1jq0s9c73a1b2c0", "9223372036854775807.d3v5k1jq0s9c73a1b2c0", "-9223372036854775808.d3v5k1jq0s9c73a1b2c0",
	"253402300800000.d3v5k1jq0s9c73a1b2c0", "-62135596800001.d3v5k1jq0s9c73a1b2c0", "d3v5k1jq0s9c73a1b2c0", "shop", "0", "1", "1,2,3",
	"2147483648", "9223372036854775807", "18446744073709551615", "99999999999999999999", "1.1", "18446744073709551615.18446744073709551615",
	`{"application":"shop","part":9223372036854775807,"host":"web-1","path":"/srv/shop"}`, `{"application":"shop","part":1e300}`,
}

func cursor(mark string) string { return base64.RawURLEncoding.EncodeToString([]byte(mark)) }

func (m *Maker) object(s map[string]any, pointer string, depth int) any {
	o := object{}
	properties, _ := s["properties"].(map[string]any)
	demanded, _ := s["required"].([]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(demanded, any(name)) || depth < deepest && m.chance(0.3) {
			o = append(o, &field{name, m.value(pointer+"/properties/"+name, name, depth+1)})
		}
	}
	if entries, ok := s["additionalProperties"].(map[string]any); ok && len(entries) > 0 {
		for range m.rand.IntN(3) {
			o = append(o, &field{pick(m, []string{"role", "env", "PATH", "A_B"}), m.value(pointer+"/additionalProperties", "", depth+1)})
		}
	}
	return o
}

// ordered makes objects of what was parsed, in the order of their names.
func ordered(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			o = append(o, &field{name, ordered(v[name])})
		}
		return o
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = ordered(item)
		}
		return list
	default:
		return v
	}
}

// local has URLs lead nowhere: nothing is to be asked of others.
func local(v any) any {
	text, ok := v.(string)
	if !ok {
		return v
	}
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return v
	}
	_, path, _ := strings.Cut(rest, "/")
	return scheme + "://127.0.0.1:1/" + path
}
