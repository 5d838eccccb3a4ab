package client

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
)

// AuditQuery is which entries of the audit log are asked for. What is empty is no condition.
type AuditQuery struct {
	Actor   string // id or name
	Action  string // or all of a kind: deployments.*
	Object  string // id or kind
	Outcome string
	From    time.Time
	To      time.Time // exclusive
	Oldest  bool      // first; else the newest are
}

// Audit yields entries of the audit log as they are stored, in pages of so many.
func (c *Client) Audit(ctx context.Context, q AuditQuery, limit int) iter.Seq2[[]byte, error] {
	by := map[string]string{"actor": q.Actor, "action": q.Action, "object": q.Object, "outcome": q.Outcome}
	for name, at := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !at.IsZero() {
			by[name] = at.Format(time.RFC3339Nano)
		}
	}
	if q.Oldest {
		by["sort"] = "oldest"
	}
	found := all[json.RawMessage](ctx, c, "/v1/audit", filters(by), min(max(limit, 1), PageLimit))
	return func(yield func([]byte, error) bool) {
		for entry, err := range found {
			var line []byte
			if err == nil {
				line = stored(entry)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// stored is an entry as it was before it was sent. What is none stays as it came: whoever verifies it says so.
func stored(entry json.RawMessage) []byte {
	line, err := audit.Canonical(entry)
	if err != nil {
		return entry
	}
	return line
}
