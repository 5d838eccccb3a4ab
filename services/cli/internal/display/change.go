package display

import (
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
)

// Change writes one change as a plain line: when, which host, which step, how it stands, and what there is to say.
// A host as a whole has "-" for its step, the deployment as a whole for its host too.
func Change(c follow.Change) string {
	name, step := Clean(c.Name), Clean(c.Step)
	if name == "" {
		name = "-"
	}
	if step == "" {
		step = "-"
	}
	parts := []string{c.Time.Local().Format(time.TimeOnly), name, step, Clean(string(c.State))}
	if said := explain(c); said != "" {
		parts = append(parts, Clean(said))
	}
	return strings.Join(parts, "  ")
}

// explain is what there is to say of a change: of a host as a whole how it went, of the deployment how many hosts are
// where. The reason of a step is that of its host, which comes next.
func explain(c follow.Change) string {
	switch {
	case c.Counts != nil:
		said := tally(*c.Counts).render(false)
		if why := why(client.Deployment{State: c.State, Cause: c.Cause, Reason: c.Reason, By: c.By, Until: c.Until}); why != "" {
			said += "  (" + why + ")"
		}
		if c.RolledBackBy != "" {
			said += "  (rolled back by " + c.RolledBackBy + ")"
		}
		return said
	case c.Step != "" || !c.State.Ended():
		return c.Note
	}
	said := outcome(client.Target{
		State: c.State, Release: c.Release, Previous: c.Previous, Changed: c.Changed, Note: c.Note, Failure: c.Failure,
	})
	if c.Failure != nil {
		return c.Failure.Code + ": " + said
	}
	return said
}
