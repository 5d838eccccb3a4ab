package api

import (
	"encoding/base64"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
)

const (
	defaultLimit = 100
	maxLimit     = 500
)

// page is one page of a list, as all lists are answered.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty"`
}

// pageOf converts a page; next is where the following one begins, or "".
func pageOf[F, T any](from []F, next string, convert func(F) T) page[T] {
	p := page[T]{Items: make([]T, len(from))}
	for i, f := range from {
		p.Items[i] = convert(f)
	}
	if next != "" {
		p.Next = cursorOf(next)
	}
	return p
}

// cursorOf hides what a place in a list is made of.
func cursorOf(at string) string { return base64.RawURLEncoding.EncodeToString([]byte(at)) }

func readLimit(q *field.Query) int { return q.Int("limit", defaultLimit, 1, maxLimit) }

// readCursor takes where a page begins: what pageOf was given as next.
func readCursor(q *field.Query, errs *field.Errors, valid func(string) bool) string {
	text, given := q.Text("cursor")
	if !given {
		return ""
	}
	at, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || !valid(string(at)) {
		errs.Add("cursor", "is not one that was given out")
		return ""
	}
	return string(at)
}

// readText takes a parameter that is checked where it is given.
func readText(c *call, q *field.Query, name string, check func(string) string) string {
	text, given := q.Text(name)
	if given {
		c.errs.Check(name, check(text))
	}
	return text
}
