package display

import (
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Output is what was said on hosts, each line after its host and step.
func Output(said []client.OutputLine, color bool) []string {
	lines := make([]string, 0, len(said))
	for _, l := range said {
		words, colour := strings.ReplaceAll(l.Text, "\t", "    "), plain
		if l.Stream == "slipway" {
			words = "· " + words
			switch l.Level {
			case "warn":
				colour = yellow
			case "error":
				colour = red
			default:
				colour = dim
			}
		}
		lines = append(lines, line{text(l.Name+"  "+l.Step+"  ", dim), text(words, colour)}.render(color))
	}
	return lines
}

// silentSteps are those in which nothing of the user's own runs.
var silentSteps = []string{"", "connect", "stage", "switch", "clean"}

// WhereToLook says how to see what was said where a host failed; nothing where nobody spoke.
func WhereToLook(d client.Deployment, targets []client.Target) []string {
	for _, t := range targets {
		if t.State == client.Failed && !slices.Contains(silentSteps, t.Step) {
			return []string{Clean("'slipway output " + d.ID + " --on " + t.Name + " --step " + t.Step + "' shows what was said there.")}
		}
	}
	return nil
}
