package reference

import (
	"bytes"
	"encoding/json"
	"slices"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			out = append(out, ',')
		}
		value, err := plain(m.value)
		if err != nil {
			return nil, err
		}
		name, err := plain(m.name)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// plain encodes a value without what HTML would need: html/template sees to that.
func plain(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSpace(out.Bytes()), err
}

// deepest is how far an example goes into schemas that name others.
const deepest = 6

// example returns a value of the schema as text: the one that the document gives, or one
// made of those that it gives for the parts.
func (b *book) example(schema *node) string {
	raw, err := plain(b.sample(schema, 0))
	if err != nil {
		return ""
	}
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return ""
	}
	return out.String()
}

func (b *book) sample(schema *node, depth int) any {
	s, _ := b.resolve(schema)
	given := slices.Concat(schema.list("examples"), s.list("examples"))
	switch {
	case len(given) > 0:
		return given[0].value()
	case s.at("const") != nil:
		return s.at("const").value()
	case len(s.list("enum")) > 0:
		return s.list("enum")[0].value()
	case s.at("default") != nil:
		return s.at("default").value()
	}
	for _, word := range []string{"oneOf", "anyOf", "allOf"} {
		if choices := s.list(word); len(choices) > 0 && s.at("properties") == nil {
			return b.sample(choices[0], depth)
		}
	}
	return b.sampleOfType(s, depth)
}

func (b *book) sampleOfType(s *node, depth int) any {
	switch kinds(s)[0] {
	case "object":
		return b.sampleObject(s, depth)
	case "array":
		if depth >= deepest && s.text("minItems") == "" || s.at("items") == nil {
			return []any{}
		}
		return []any{b.sample(s.at("items"), depth+1)}
	case "integer", "number":
		if least := s.at("minimum"); least != nil {
			return least.value()
		}
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	}
	switch s.text("format") {
	case "date-time":
		return "2026-03-01T12:00:00Z"
	case "date":
		return "2026-03-01"
	case "uri":
		return "https://example.com/"
	case "password":
		return "a secret"
	}
	return "text"
}

// sampleObject has what is required, and what has an example of its own.
func (b *book) sampleObject(s *node, depth int) any {
	o := object{}
	s.each("properties", func(name string, property *node) {
		target, _ := b.resolve(property)
		telling := len(property.list("examples"))+len(target.list("examples")) > 0
		if required(s, name) || telling && depth == 0 && kinds(target)[0] != "object" {
			o = append(o, member{name, b.sample(property, depth+1)})
		}
	})
	return o
}

func required(s *node, name string) bool {
	demanded := s.list("required")
	for _, word := range []string{"oneOf", "anyOf"} { // of several that would do, the first
		if choices := s.list(word); len(choices) > 0 {
			demanded = slices.Concat(demanded, choices[0].list("required"))
		}
	}
	return slices.ContainsFunc(demanded, func(n *node) bool { return n.text() == name })
}
