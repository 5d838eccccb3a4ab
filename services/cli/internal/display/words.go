package display

import (
	"fmt"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Marks of states.
const (
	markDone    = "✓"
	markFailed  = "✗"
	markRunning = "▸"
	markPending = "·"
	markSkipped = "–"
)

func mark(s client.State) span {
	switch s {
	case client.Succeeded:
		return span{markDone, green}
	case client.Failed:
		return span{markFailed, red}
	case client.Running:
		return span{markRunning, cyan}
	case client.Skipped, client.Cancelled, client.Rejected:
		return span{markSkipped, yellow}
	default:
		return span{markPending, dim}
	}
}

// title says what a deployment does: "shop 1.4.2", "shop 1.4.2 back to 1.4.1", "init of shop".
func title(d client.Deployment) string {
	switch d.Kind {
	case client.KindRollback:
	case client.KindInit:
		return Clean("init of " + d.Application)
	default:
		return Clean(d.Application + " " + d.Version)
	}
	to := "what ran before"
	if d.Version != "" {
		to = d.Version
	}
	return Clean(fmt.Sprintf("%s %s back to %s", d.Application, d.From, to))
}

// outcome says how it went on a host: what runs there now, or why not.
func outcome(t client.Target) string {
	switch {
	case t.Failure != nil:
		return t.Failure.Reason
	case t.State == client.Skipped && t.Note == "":
		return "not begun: the deployment stopped before"
	case t.State == client.Cancelled && t.Note == "" && t.Attempt == 0:
		return "not begun: the deployment was cancelled"
	case t.State == client.Cancelled && t.Note == "":
		return "ended early: the deployment was cancelled"
	case t.State != client.Succeeded || !t.Changed && t.Note != "":
		return t.Note
	case !t.Changed && t.Release == "":
		return "nothing was changed"
	case !t.Changed:
		return t.Release + " ran already"
	case t.Previous != "":
		return noted(t.Previous+" → "+t.Release, t.Note)
	default:
		return noted(t.Release, t.Note)
	}
}

func noted(what, note string) string {
	if note == "" {
		return what
	}
	return what + " (" + note + ")"
}

// stepsOf is how many steps a kind of deployment has on a host. It only sets the scale of bars.
func stepsOf(kind string) int {
	switch kind {
	case client.KindInit:
		return 2
	case client.KindRollback:
		return 3
	}
	return 4
}

// tally says how many hosts are where: "3 done, 1 failed".
func tally(c client.Counts) line {
	var l line
	add := func(n int, word string, i ink) {
		if n == 0 {
			return
		}
		if len(l) > 0 {
			l = append(l, span{", ", plain})
		}
		l = append(l, span{fmt.Sprintf("%d %s", n, word), i})
	}
	add(c.Succeeded, "done", green)
	add(c.Failed, "failed", red)
	add(c.Skipped, "skipped", yellow)
	add(c.Cancelled, "cancelled", yellow)
	add(c.Running, "running", cyan)
	add(c.Pending, "waiting", plain)
	return l
}
