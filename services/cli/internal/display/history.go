package display

import (
	"fmt"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Running is a table of what runs where.
func Running(all []client.Placement, now time.Time, color bool) []string {
	rows := make([][]string, 0, len(all))
	for _, p := range all {
		by := p.Deployment
		if by == "" {
			by = "(found there)"
		}
		rows = append(rows, []string{p.Application, p.Name, p.Version, took(&p.Since, p.Until, now), by})
	}
	return table([]string{"APPLICATION", "HOST", "VERSION", "FOR", "DEPLOYMENT"}, rows, color)
}

// Statistics is a table of what the deployments of each application came to.
func Statistics(s client.Statistics, color bool) []string {
	var rows [][]string
	for _, one := range append(s.Applications, s.Total) {
		name := one.Application
		if name == "" {
			name = "all"
		}
		rows = append(rows, []string{
			name, strconv.Itoa(one.Deploys.Succeeded), strconv.Itoa(one.Deploys.Failed), strconv.Itoa(one.Rollbacks.Succeeded),
			fmt.Sprintf("%.2f", one.DeploymentFrequency), fmt.Sprintf("%.0f %%", 100*one.ChangeFailureRate),
			half(one.Duration), half(one.LeadTime), half(one.TimeToRestore),
		})
	}
	lines := []string{Clean("From " + s.From + " to " + s.To + "; times are medians."), ""}
	return append(lines, table([]string{"APPLICATION", "SUCCEEDED", "FAILED", "ROLLBACKS", "PER DAY", "FAILURES", "TOOK", "LEAD", "RESTORE"}, rows, color)...)
}

// half is how long half of them took at most.
func half(p client.Percentiles) string {
	if p.Count == 0 {
		return "-"
	}
	return (time.Duration(p.P50) * time.Millisecond).Round(100 * time.Millisecond).String()
}

// History says how far history is, and lists what it has set aside.
func History(h client.History, now time.Time, color bool) []string {
	lines := []string{"Up to date."}
	if h.Behind > 0 {
		lines = []string{fmt.Sprintf("%s behind, the first for %s.", count(int(min(h.Behind, 1<<30)), "event"), took(h.Waiting, nil, now))}
	}
	if h.SetAside == 0 {
		return lines
	}
	var rows [][]string
	for _, one := range h.Newest {
		rows = append(rows, []string{strconv.FormatUint(one.Seq, 10), one.Subject, one.Reason})
	}
	lines = append(lines, fmt.Sprintf("%s could not be taken in:", count(int(h.SetAside), "event")), "")
	return append(lines, table([]string{"SEQ", "SUBJECT", "WHY"}, rows, color)...)
}
