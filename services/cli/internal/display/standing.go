package display

import (
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// causes is why a deployment stands or ended as it does, in words. A cause that is not known is shown as it is.
var causes = map[string]string{
	"hosts_failed":     "", // the hosts say it
	"budget_spent":     "more hosts failed than may",
	"min_healthy":      "too few hosts would stay healthy",
	"deadline":         "the time was up",
	"broken":           "it could not go on",
	"cancelled":        "", // the state says it
	"not_approved":     "the plan was not approved",
	"canary":           "the canary waits for a verdict",
	"canary_rejected":  "the canary was rejected",
	"canary_timeout":   "nobody judged the canary in time",
	"traffic_switched": "traffic goes to the new set, the old one is kept ready",
	"switch_rejected":  "traffic was sent back to the old set",
	"paused_by_person": "", // the state says it
	"between_waves":    "the pause between two waves",
	"window":           "outside the hours in which hosts may begin",
	"limit":            "as many deployments as may be are under way",
	"canary_analysis":  "measurements judged the canary to be bad",
	"no_progress":      "no host has told anything for long",
	"no_executor":      "no executor serves the zone of a host",
}

// why says why a deployment stands or ended as it does, through whom, and until when; "" where there is nothing to say.
func why(d client.Deployment) string {
	said := d.Reason
	if said == "" {
		known, ok := causes[d.Cause]
		if said = known; !ok {
			said = strings.ReplaceAll(d.Cause, "_", " ")
		}
	}
	var parts []string
	for _, part := range []string{said, by(d), until(d)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return Clean(strings.Join(parts, ", "))
}

func by(d client.Deployment) string {
	if d.By == "" {
		return ""
	}
	return "by " + d.By
}

func until(d client.Deployment) string {
	switch {
	case d.Until == nil || d.State.Ended():
		return ""
	case d.State == client.Analyzing:
		return "measured again " + stamp(*d.Until)
	case d.State == client.Scheduled:
		return "begins " + stamp(*d.Until)
	default:
		return "until " + stamp(*d.Until)
	}
}

// held says that a deployment waits, and for what; "" where it does not.
func held(d client.Deployment) string {
	switch d.State {
	case client.AwaitingApproval, client.Scheduled, client.Waiting, client.Paused, client.Holding, client.Analyzing,
		client.Stopping, client.Reverting:
	default:
		if d.Cause == "" || d.State.Ended() {
			return ""
		}
	}
	said := strings.ReplaceAll(string(d.State), "_", " ")
	if why := why(d); why != "" {
		said += ": " + why
	}
	if d.State == client.AwaitingApproval && d.Digest != "" {
		said += ", digest " + d.Digest
	}
	if d.RolledBackBy != "" {
		said += ", by " + d.RolledBackBy
	}
	return said
}

// TakenBack says which rollback took back what the deployment had switched, and how to look at it; nothing where none
// did.
func TakenBack(d client.Deployment) []string {
	if d.RolledBackBy == "" {
		return nil
	}
	return []string{Clean(fmt.Sprintf("Rolled back by %s: 'slipway status %s' shows how.", d.RolledBackBy, d.RolledBackBy))}
}

// Controlled says where a deployment stands after somebody asked something of it.
func Controlled(c client.Controlled) string {
	said := fmt.Sprintf("Deployment %s is %s", c.ID, strings.ReplaceAll(string(c.State), "_", " "))
	if why := why(client.Deployment{State: c.State, Cause: c.Cause}); why != "" {
		said += ": " + why
	}
	return Clean(said + ".")
}

// Plan is what a deployment would do: its digest, its steps, and a table of its waves.
func Plan(p client.Plan, color bool) []string {
	s, f := p.Strategy, p.Failures
	lines := fields([]field{
		{"Project", p.Project},
		{"What", p.Application + " " + p.Version},
		{"Path", p.Path},
		{"Hosts", fmt.Sprint(p.Targets)},
		{"Waves", fmt.Sprint(p.WaveCount)},
		{"Strategy", s.Type},
		{"Order by", s.OrderBy},
		{"At once", fmt.Sprint(s.MaxParallel)},
		{"Healthy", s.MinHealthy},
		{"Pause", s.Pause},
		{"Measured", measured(s.Analysis)},
		{"Hold", s.Hold},
		{"Traffic", switched(s.BlueGreen)},
		{"Old set", kept(s.Keep)},
		{"Retire", retired(s.BlueGreen)},
		{"May fail", may(f)},
		{"Hours", hours(p.Calendar)},
		{"Timeouts", bounds(p.Timeouts)},
		{"Progress", "said to stand still after " + p.ProgressDeadline},
		{"If busy", p.WhenBusy},
		{"Steps", strings.Join(p.Steps, ", ")},
		{"Digest", p.Digest},
	})
	rows := make([][]string, 0, len(p.Waves))
	for _, w := range p.Waves {
		var names []string
		for _, server := range w.Servers {
			names = append(names, server.Name)
		}
		if more := w.Targets - len(w.Servers); more > 0 {
			names = append(names, fmt.Sprintf("and %d more", more))
		}
		rows = append(rows, []string{fmt.Sprint(w.Wave + 1), count(w.Targets, "host"), role(w) + strings.Join(names, ", ")})
	}
	lines = append(append(lines, ""), table([]string{"WAVE", "SIZE", "HOSTS"}, rows, color)...)
	if more := p.WaveCount - len(p.Waves); more > 0 {
		lines = append(lines, "… and "+count(more, "wave")+" more")
	}
	return lines
}

// may says how many hosts may fail, and what follows when more do.
func may(f client.Failures) string {
	var parts []string
	if f.Total != "" {
		parts = append(parts, f.Total+" in all")
	}
	if f.Batch != "" {
		parts = append(parts, f.Batch+" of a wave")
	}
	said := "any number"
	if parts != nil {
		said = strings.Join(parts, " and ") + ", then " + f.Then
	}
	if f.Unreachable == "skip" {
		said += "; those that cannot be reached do not count"
	}
	return said
}

// hours says when hosts may begin: a line for each window, and one for the days without; "" for at any time.
func hours(c *client.Calendar) string {
	if c == nil {
		return ""
	}
	var lines []string
	for _, w := range c.Windows {
		lines = append(lines, fmt.Sprintf("%s %s-%s %s", strings.Join(w.Days, ","), w.From, w.To, c.Zone))
	}
	if len(c.Except) > 0 {
		lines = append(lines, "but not on "+strings.Join(c.Except, ", "))
	}
	return strings.Join(lines, "\n")
}

// bounds says how long the work on one host may take; "" where that is left to the executors.
func bounds(t *client.Timeouts) string {
	if t == nil {
		return ""
	}
	var parts []string
	if t.Host != "" {
		parts = append(parts, t.Host+" a host")
	}
	if t.Step != "" {
		parts = append(parts, t.Step+" a step")
	}
	return strings.Join(parts, ", ")
}
