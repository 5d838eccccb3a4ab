package display

import (
	"fmt"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Locks is a table of who has which host, and one of which deployments are under way, where that is limited.
func Locks(l client.Locks, now time.Time, color bool) []string {
	rows := make([][]string, 0, len(l.Items))
	for _, lock := range l.Items {
		name := lock.Name
		if name == "" {
			name = lock.Server + " (deleted)"
		}
		rows = append(rows, []string{name, lock.Deployment, strings.Join(lock.Waiting, ", ")})
	}
	lines := table([]string{"HOST", "DEPLOYMENT", "WAITING"}, rows, color)
	s := l.Slots
	if s.All == 0 && s.Project == 0 {
		return lines
	}
	rows = nil
	for _, slot := range s.Holders {
		rows = append(rows, []string{slot.Deployment, slot.Project, "under way", took(&slot.Since, nil, now)})
	}
	for _, slot := range s.Waiting {
		rows = append(rows, []string{slot.Deployment, slot.Project, "waits", took(&slot.Since, nil, now)})
	}
	if lines = append(lines, "", limits(s)); rows == nil {
		return lines
	}
	lines = append(lines, "")
	return append(lines, table([]string{"DEPLOYMENT", "PROJECT", "STATE", "FOR"}, rows, color)...)
}

// limits says how many deployments may be under way.
func limits(s client.Slots) string {
	var parts []string
	if s.All > 0 {
		parts = append(parts, count(s.All, "deployment")+" over all")
	}
	if s.Project > 0 {
		parts = append(parts, fmt.Sprintf("%d of one project", s.Project))
	}
	return "At most " + strings.Join(parts, " and ") + " may be under way."
}
