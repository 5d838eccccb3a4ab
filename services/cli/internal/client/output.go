package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// OutputLine is something that a hook, a restart or a check said on a server.
type OutputLine struct {
	Target  int       `json:"target"`
	Server  string    `json:"server"`
	Name    string    `json:"name"`
	Attempt int       `json:"attempt"`
	Number  int       `json:"number"` // in the attempt
	Step    string    `json:"step"`
	Time    time.Time `json:"time"`
	Stream  string    `json:"stream"` // stdout, stderr, or slipway for a word of Slipway's own
	Level   string    `json:"level"`  // info, warn or error
	Text    string    `json:"text"`
}

// OutputQuery says which lines are wanted; empty: all.
type OutputQuery struct {
	Server string // id or name
	Step   string
	Stream string
	Level  string
	From   time.Time
	To     time.Time // exclusive
	Tail   int       // only the last so many, and what follows them
}

func (q OutputQuery) filters() url.Values {
	by := map[string]string{"server": q.Server, "step": q.Step, "stream": q.Stream, "level": q.Level}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			by[name] = at.UTC().Format(time.RFC3339Nano)
		}
	}
	if q.Tail > 0 {
		by["tail"] = strconv.Itoa(q.Tail)
	}
	return filters(by)
}

// OutputPage is a page of lines. A page may be short, or empty, and still have a next one.
type OutputPage struct {
	Page[OutputLine]
	Position string `json:"position"` // the cursor for what follows, also for what is still to come
}

// Output reads a page of what was said on the servers of a deployment, from a cursor on; empty: from the beginning, or
// from where the tail begins.
func (c *Client) Output(ctx context.Context, id string, q OutputQuery, cursor string) (OutputPage, error) {
	query := q.filters()
	if q.Tail == 0 || cursor != "" {
		query.Del("tail")
		query.Set("limit", strconv.Itoa(PageLimit))
	}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	var p OutputPage
	err := c.do(ctx, call{method: http.MethodGet, path: deploymentPath(id) + "/logs", query: query, into: &p})
	return p, err
}
