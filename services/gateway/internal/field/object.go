package field

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Object is a JSON object whose fields are taken out one by one. What is wrong
// is added to the errors that it was parsed with, and taking a field that is
// absent, null or wrong gives the zero value.
type Object struct {
	prefix string // "" or "credential."
	fields map[string]json.RawMessage
	order  []string
	taken  map[string]bool
	errs   *Errors
}

// Parse reads a document that holds one JSON object. It fails with ErrMalformed
// where it does not.
func Parse(document []byte, errs *Errors) (*Object, error) {
	if !utf8.Valid(document) {
		return nil, fmt.Errorf("%w JSON: it is not valid UTF-8", ErrMalformed)
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	var whole json.RawMessage
	if err := decoder.Decode(&whole); err != nil {
		return nil, malformed(document, err, decoder.InputOffset())
	}
	end := decoder.InputOffset()
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w JSON: %s: something follows the document", ErrMalformed, place(document, end))
	}
	o, ok := newObject("", whole, errs)
	if !ok {
		return nil, fmt.Errorf("%w JSON: the document must be an object", ErrMalformed)
	}
	return o, nil
}

func malformed(document []byte, err error, offset int64) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%w JSON: %s: %s", ErrMalformed, place(document, syntax.Offset), syntax.Error())
	case errors.Is(err, io.EOF) && len(bytes.TrimSpace(document)) == 0:
		return fmt.Errorf("%w JSON: there is no document", ErrMalformed)
	default:
		return fmt.Errorf("%w JSON: %s: it ends too early", ErrMalformed, place(document, max(offset, int64(len(document)))))
	}
}

// place turns an offset into a line and a column, both from 1.
func place(document []byte, offset int64) string {
	before := document[:min(max(offset, 0), int64(len(document)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := max(1, utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]))
	return fmt.Sprintf("line %d, column %d", line, column)
}

// newObject reads the fields of an object. A field that is given twice is an
// error: which of the two counts would be a guess.
func newObject(prefix string, raw json.RawMessage, errs *Errors) (*Object, bool) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, false
	}
	o := &Object{prefix: prefix, fields: map[string]json.RawMessage{}, taken: map[string]bool{}, errs: errs}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, false
		}
		name, _ := key.(string)
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, false
		}
		if _, twice := o.fields[name]; twice {
			errs.Add(o.path(name), "is given twice")
			continue
		}
		o.fields[name] = value
		o.order = append(o.order, name)
	}
	return o, true
}

func (o *Object) path(name string) string { return o.prefix + name }

// Given says whether the field is there, be it null.
func (o *Object) Given(name string) bool {
	_, ok := o.fields[name]
	return ok
}

// Null says whether the field is there and null.
func (o *Object) Null(name string) bool { return string(o.fields[name]) == "null" }

// True says whether the field is there and true.
func (o *Object) True(name string) bool { return string(o.fields[name]) == "true" }

// Raw is the field as it was sent, or put there; nil where it is not there.
func (o *Object) Raw(name string) json.RawMessage { return o.fields[name] }

// Put gives the field a value that the document does not say.
func (o *Object) Put(name string, value json.RawMessage) {
	if _, given := o.fields[name]; !given {
		o.order = append(o.order, name)
	}
	o.fields[name] = value
}

// Len is the number of fields.
func (o *Object) Len() int { return len(o.order) }

// take returns the value of a field, and false where it is absent or null.
func (o *Object) take(name string) (json.RawMessage, bool) {
	o.taken[name] = true
	raw, ok := o.fields[name]
	return raw, ok && string(raw) != "null"
}

func decode[T any](o *Object, name, want string) (T, bool) {
	var value T
	raw, ok := o.take(name)
	if !ok {
		return value, false
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		var zero T
		o.errs.Add(o.path(name), "must be %s", want)
		return zero, false
	}
	return value, true
}

// Text takes a string.
func (o *Object) Text(name string) (string, bool) { return decode[string](o, name, "a string") }

// Required takes a string that must be there and not be empty.
func (o *Object) Required(name string) (string, bool) {
	value, ok := o.Text(name)
	if value == "" && (ok || !o.Given(name) || o.Null(name)) {
		o.errs.Add(o.path(name), "is required")
		return "", false
	}
	return value, ok
}

// Bool takes true or false.
func (o *Object) Bool(name string) (bool, bool) { return decode[bool](o, name, "true or false") }

// Int takes a whole number from low to high.
func (o *Object) Int(name string, low, high int) (int, bool) {
	value, ok := decode[int](o, name, "a whole number")
	if ok && (value < low || value > high) {
		o.errs.Add(o.path(name), "must be between %d and %d", low, high)
		return 0, false
	}
	return value, ok
}

// OneOf takes a string that is one of these.
func (o *Object) OneOf(name string, allowed ...string) (string, bool) {
	value, ok := o.Text(name)
	if ok && !slices.Contains(allowed, value) {
		o.errs.Add(o.path(name), "must be one of %v", allowed)
		return "", false
	}
	return value, ok
}

// NumberOrText takes a number, as it is written, or a string.
func (o *Object) NumberOrText(name string) (string, bool) {
	raw, ok := o.take(name)
	if !ok {
		return "", false
	}
	var number json.Number // would take a string that holds a number, too
	if raw[0] != '"' && json.Unmarshal(raw, &number) == nil {
		return number.String(), true
	}
	return decode[string](o, name, "a number or a string")
}

// Has says whether something is wrong with the field.
func (o *Object) Has(name string) bool { return o.errs.Has(o.path(name)) }

// Check notes the message for the field, if there is one.
func (o *Object) Check(name, message string) { o.errs.Check(o.path(name), message) }

// Refuse says of a field, if it is given, why it cannot be, and drops it.
func (o *Object) Refuse(name, message string) {
	if _, given := o.take(name); given {
		o.Check(name, message)
	}
	delete(o.fields, name)
}

// Texts takes a list of strings.
func (o *Object) Texts(name string) ([]string, bool) {
	raw, ok := decode[[]json.RawMessage](o, name, "a list of strings")
	if !ok {
		return nil, false
	}
	texts := make([]string, len(raw))
	for i, one := range raw {
		if string(one) == "null" || json.Unmarshal(one, &texts[i]) != nil {
			o.errs.Add(o.path(name)+"["+strconv.Itoa(i)+"]", "must be a string")
			ok = false
		}
	}
	return texts, ok
}

// TextMap takes an object of strings. Where nullable is set, a value may be
// null, which gives a nil pointer.
func (o *Object) TextMap(name string, nullable bool) (map[string]*string, bool) {
	inner, ok := o.Object(name)
	if !ok {
		return nil, false
	}
	texts := make(map[string]*string, len(inner.order))
	for _, key := range inner.order {
		if inner.Null(key) && nullable {
			texts[key] = nil
			continue
		}
		var value string
		if inner.Null(key) || json.Unmarshal(inner.fields[key], &value) != nil {
			o.errs.Add(inner.path(key), "must be a string")
			continue
		}
		texts[key] = &value
	}
	return texts, true
}

// Object takes an object, to be taken apart in turn.
func (o *Object) Object(name string) (*Object, bool) {
	raw, ok := o.take(name)
	if !ok {
		return nil, false
	}
	inner, ok := newObject(o.path(name)+".", raw, o.errs)
	if !ok {
		o.errs.Add(o.path(name), "must be an object")
	}
	return inner, ok
}

// Objects takes a list of objects, each to be taken apart in turn.
func (o *Object) Objects(name string) ([]*Object, bool) {
	raw, ok := decode[[]json.RawMessage](o, name, "a list of objects")
	var all []*Object
	for i, one := range raw {
		path := o.path(name) + "[" + strconv.Itoa(i) + "]"
		inner, isObject := newObject(path+".", one, o.errs)
		if !isObject {
			o.errs.Add(path, "must be an object")
			ok = false
			continue
		}
		all = append(all, inner)
	}
	return all, ok
}

// End names every field that was not taken.
func (o *Object) End() {
	for _, name := range slices.Sorted(slices.Values(o.order)) {
		if !o.taken[name] {
			o.errs.Add(o.path(name), "is not a known field")
		}
	}
}
