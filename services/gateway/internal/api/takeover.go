package api

import (
	"strconv"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// counted is what taking a list over came to, in numbers of its entries.
type counted struct {
	DryRun  bool     `json:"dry_run"`
	Created int      `json:"created"`
	Changed int      `json:"changed"`
	Same    int      `json:"same"`
	Skipped int      `json:"skipped"`
	Failed  int      `json:"failed"`
	Notes   []string `json:"notes,omitempty"`

	shown int
}

// takenEntry is what became of an entry, as it is sent.
type takenEntry struct {
	Line    int              `json:"line"`
	Name    string           `json:"name"`
	Outcome takeover.Outcome `json:"outcome"`
	Changes []string         `json:"changes,omitempty"`
	Errors  field.Errors     `json:"errors,omitempty"`
	Notes   []string         `json:"notes,omitempty"`
}

func takenEntryOf(t takeover.Taken) takenEntry {
	return takenEntry{t.Line, t.Name, t.Outcome, t.Changes, t.Errors, t.Notes}
}

// count counts an entry, and says whether it is to be looked at: what is as the list
// says, and has no notes, is not named, and neither is what is too many.
func (c *counted) count(t takeover.Taken) (named bool) {
	*map[takeover.Outcome]*int{
		takeover.Created: &c.Created, takeover.Changed: &c.Changed, takeover.Same: &c.Same, takeover.Skipped: &c.Skipped, takeover.Failed: &c.Failed,
	}[t.Outcome]++
	if t.Outcome == takeover.Same && len(t.Notes) == 0 || c.shown >= maxImported {
		return false
	}
	c.shown++
	return true
}

// refuseEntries says what is wrong with the entries.
func (c *call) refuseEntries(taken []takeover.Taken) error {
	for _, one := range taken {
		for _, e := range one.Errors {
			c.refuseLine(table.Bad{Line: one.Line, Field: e.Field, Message: "of " + strconv.Quote(one.Name) + " " + e.Message})
		}
	}
	return c.errs.Err()
}

// refuseLine says what is wrong with a line of a list, of so many of them.
func (c *call) refuseLine(bad table.Bad) {
	if len(c.errs) < maxBadLines {
		c.errs.Add("list", "%s", bad.Error())
	}
}
