package platform

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/gateway/internal/dialects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
)

const (
	defaultSize = 20
	largestSize = 100
	mostRead    = 10_000 // deployments that are looked through for a list
)

// listed is a page of something.
type listed[T any] struct {
	Items []T `json:"items"`
	Total int `json:"total"`
	Page  int `json:"page"`
	Size  int `json:"page_size"`
}

// page is what a client wants to see of a list.
type page struct{ number, size int }

func readPage(s *dialects.Said) (page, error) {
	p := page{1, defaultSize}
	if s.Given("page") {
		if p.number = s.Number("page"); p.number < 1 {
			s.Wrong("page", "must be 1 or more")
		}
	}
	if s.Given("page_size") {
		if p.size = s.Number("page_size"); p.size < 1 || p.size > largestSize {
			s.Wrong("page_size", "must be 1 to "+strconv.Itoa(largestSize))
		}
	}
	return p, s.Err()
}

// of says where the page begins and ends in a list of so many.
func (p page) of(many int) (first, end int) {
	if p.number > many/p.size+1 {
		return many, many
	}
	return min((p.number-1)*p.size, many), min(p.number*p.size, many)
}

// list shows a page of deployments, the newest first.
func list(ctx context.Context, r *dialects.Request) (dialects.Reply, error) {
	query := url.Values{"project": {project}}
	readTime(r.Said, query, "created_from", "from")
	readTime(r.Said, query, "created_to", "to")
	status := -1
	if r.Said.Given("status") && r.Said.Text("status") != "" {
		if status = r.Said.Number("status"); status < pending || status > failed {
			r.Said.Wrong("status", "must be 0, 1, 2 or 3")
		}
	}
	p, err := readPage(r.Said)
	if err != nil {
		return dialects.Reply{}, err
	}
	if status == succeeded {
		query.Set("state", "succeeded")
	}
	var all []native
	read := 0
	err = dialects.Each(ctx, r, dialects.Operation{Route: "GET /v1/deployments", Query: query}, func(d native) (more bool) {
		if d.ours() && (status < 0 || statusOf(d.State) == status) {
			all = append(all, d)
		}
		read++
		return read < mostRead
	})
	if err != nil {
		return dialects.Reply{}, asSaid(err, "")
	}
	first, end := p.of(len(all))
	shown := all[first:end]
	ids := make([]string, len(shown))
	for i, d := range shown {
		ids[len(ids)-1-i] = d.ID // the oldest has the lowest number
	}
	given, err := r.Numbers(ctx, numbers.Deployment, ids...)
	if err != nil {
		return dialects.Reply{}, err
	}
	rows := make([]deployment, 0, len(shown))
	for _, d := range shown {
		rows = append(rows, d.row(given[d.ID]))
	}
	return ok(listed[deployment]{rows, len(all), p.number, p.size}), nil
}

// forms are those in which clients write times; without a zone they are in UTC.
var forms = []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly}

// readTime takes a time into the native query.
func readTime(s *dialects.Said, query url.Values, name, there string) {
	text := s.Text(name)
	if text == "" {
		return
	}
	for _, form := range forms {
		if at, err := time.Parse(form, text); err == nil {
			query.Set(there, at.UTC().Format(time.RFC3339Nano))
			return
		}
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 {
		query.Set(there, time.Unix(seconds, 0).UTC().Format(time.RFC3339))
		return
	}
	s.Wrong(name, "must be a time such as 2026-03-01T12:00:00Z or 2026-03-01 12:00:00")
}
