package api

import (
	"encoding/json"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/auditlog"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// listAudit answers with entries of the audit log, as they are stored: who verifies them needs all of each.
func (a *API) listAudit(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	asked := readAuditQuery(c, q)
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, next, err := a.Audit.Page(c.ctx, asked)
	if err != nil {
		return answer{}, err
	}
	at := ""
	if next != (auditlog.Place{}) {
		at = next.String()
	}
	return ok(pageOf(found, at, func(entry json.RawMessage) json.RawMessage { return entry }))
}

func readAuditQuery(c *call, q *field.Query) auditlog.Query {
	printable := func(text string) string { return rule.Printable(text, 1, audit.MaxText) }
	asked := auditlog.Query{
		Limit:   readLimit(q),
		Actor:   readText(c, q, "actor", printable),
		Action:  readText(c, q, "action", printable),
		Object:  readText(c, q, "object", printable),
		Oldest:  q.OneOf("sort", contract.OrderNewest, contract.OrderOldest) == contract.OrderOldest,
		Outcome: audit.Outcome(q.OneOf("outcome", auditOutcomes()...)),
	}
	if from := readTime(q, &c.errs, "from"); from != nil {
		asked.From = *from
	}
	if to := readTime(q, &c.errs, "to"); to != nil {
		asked.To = *to
	}
	cursor := readCursor(q, &c.errs, func(at string) bool { _, ok := auditlog.ParsePlace(at); return ok })
	asked.After, _ = auditlog.ParsePlace(cursor)
	return asked
}

func auditOutcomes() []string {
	var all []string
	for _, o := range audit.Outcomes() {
		all = append(all, string(o))
	}
	return all
}
