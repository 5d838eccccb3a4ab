package display

import (
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// measured says how measurements judge the canary: a line for each check, and one for the verdict; "" where none do.
func measured(a *client.Analysis) string {
	if a == nil {
		return ""
	}
	var lines []string
	for _, c := range a.Checks {
		lines = append(lines, c.Name+": "+checked(c))
	}
	return strings.Join(append(lines, verdict(*a)), "\n")
}

func checked(c client.Check) string {
	var parts []string
	add := func(format, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, value))
		}
	}
	switch p, h := c.Prometheus, c.HTTP; {
	case p != nil:
		parts = append(parts, inline(p.Query)+" "+p.Expect)
		add("no value: %s", p.Absent)
		add("asked of %s", p.URL)
	case h != nil:
		parts = append(parts, h.Method+" "+h.URL+" is "+h.Status)
		add("holds %q", h.Body)
		add("matches %q", h.Matches)
		add("within %s", h.Timeout)
	}
	return strings.Join(parts, ", ")
}

// verdict says how often is measured, and how many measurements decide.
func verdict(a client.Analysis) string {
	parts := []string{"every " + a.Interval}
	for _, of := range []struct {
		count *int
		words string
	}{{a.Successes, "%d must pass"}, {a.Failures, "%d may fail"}, {a.Inconclusive, "%d in a row may be inconclusive"}} {
		if of.count != nil {
			parts = append(parts, fmt.Sprintf(of.words, *of.count))
		}
	}
	return strings.Join(parts, ", ")
}

// inline is a text of several lines in one.
func inline(text string) string { return strings.Join(strings.Fields(text), " ") }
