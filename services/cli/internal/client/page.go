package client

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Page is a page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next_cursor,omitempty"` // cursor of the next page; empty: there is none
}

// PageLimit is how many items the largest page holds.
const PageLimit = 500

// page reads one page.
func page[T any](ctx context.Context, c *Client, path string, query url.Values, limit int, cursor string) (Page[T], error) {
	q := url.Values{}
	for name, values := range query {
		q[name] = values
	}
	q.Set("limit", strconv.Itoa(limit))
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	var p Page[T]
	err := c.do(ctx, call{method: http.MethodGet, path: path, query: q, into: &p})
	return p, err
}

// all yields the items of every page, and ends with the error of the first page that cannot be read.
func all[T any](ctx context.Context, c *Client, path string, query url.Values, limit int) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		cursor := ""
		for {
			p, err := page[T](ctx, c, path, query, limit, cursor)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.Next == "" {
				return
			}
			if p.Next == cursor {
				var none T
				yield(none, fmt.Errorf("%w: the list does not end", ErrUnreachable))
				return
			}
			cursor = p.Next
		}
	}
}

// Collect returns all items, or the first error. It never returns nil for no items, which JSON would show as null.
func Collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	collected := []T{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		collected = append(collected, item)
	}
	return collected, nil
}

// filters returns a query of those filters that are set.
func filters(byName map[string]string) url.Values {
	q := url.Values{}
	for name, value := range byName {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}
