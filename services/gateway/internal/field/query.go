package field

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Query is the query of a request, whose parameters are taken out one by one.
type Query struct {
	values url.Values
	taken  map[string]bool
	errs   *Errors
}

// ParseQuery reads a raw query. It fails with ErrMalformed where it is not one.
func ParseQuery(raw string, errs *Errors) (*Query, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fmt.Errorf("%w query: an escape or a separator is wrong", ErrMalformed)
	}
	return &Query{values: values, taken: map[string]bool{}, errs: errs}, nil
}

// Text takes a parameter that may be given once.
func (q *Query) Text(name string) (string, bool) {
	all, ok := q.Texts(name)
	if len(all) > 1 {
		q.errs.Add(name, "may be given once")
		return "", false
	}
	if !ok {
		return "", false
	}
	return all[0], true
}

// Required takes a parameter that must be given and not be empty.
func (q *Query) Required(name string) (string, bool) {
	value, ok := q.Text(name)
	if value == "" && len(q.values[name]) <= 1 {
		q.errs.Add(name, "is required")
		return "", false
	}
	return value, ok
}

// Texts takes a parameter that may be given again and again.
func (q *Query) Texts(name string) ([]string, bool) {
	q.taken[name] = true
	all := q.values[name]
	for _, one := range all {
		if !utf8.ValidString(one) {
			q.errs.Add(name, "is not valid UTF-8")
			return nil, false
		}
	}
	return all, len(all) > 0
}

// Int takes a whole number from low to high, or returns fallback.
func (q *Query) Int(name string, fallback, low, high int) int {
	text, ok := q.Text(name)
	if !ok {
		return fallback
	}
	value, err := strconv.Atoi(text)
	if err != nil || value < low || value > high {
		q.errs.Add(name, "must be a whole number between %d and %d", low, high)
		return fallback
	}
	return value
}

// OneOf takes a parameter that is one of these.
func (q *Query) OneOf(name string, allowed ...string) string {
	text, ok := q.Text(name)
	if ok && !slices.Contains(allowed, text) {
		q.errs.Add(name, "must be one of %v", allowed)
		return ""
	}
	return text
}

// End names every parameter that was not taken.
func (q *Query) End() {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if !q.taken[name] {
			q.errs.Add(name, "is not a known parameter")
		}
	}
}
