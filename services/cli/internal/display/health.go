package display

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Health is a table of how the installation is.
func Health(h client.Health, color bool) []string {
	rows := [][]string{{"status", h.Status}, {"version", h.Version}}
	for _, m := range h.Missing {
		rows = append(rows, []string{"missing", m.Part + ": " + m.Reason})
	}
	for _, name := range slices.Sorted(maps.Keys(h.Services)) {
		rows = append(rows, []string{name, strconv.Itoa(h.Services[name]) + " ready"})
	}
	for _, name := range slices.Sorted(maps.Keys(h.Modes)) {
		rows = append(rows, []string{"mode " + name, h.Modes[name].Status})
	}
	if d := h.Deployments; d != nil {
		limit := "any number may be"
		if d.Limit > 0 {
			limit = fmt.Sprintf("%d may be", d.Limit)
		}
		rows = append(rows, []string{"under way", fmt.Sprintf("%d, %d wait; %s", d.Active, d.Waiting, limit)})
	}
	if m := h.Machine; m != nil {
		rows = append(rows, []string{"machine", fmt.Sprintf("CPU %.1f %%, memory %.1f %%, disk %.1f %%", m.CPU, m.Memory, m.Disk)})
	}
	if s := h.Statistics; s != nil {
		took := (time.Duration(s.Average) * time.Millisecond).Round(100 * time.Millisecond)
		rows = append(rows, []string{"since " + s.From, fmt.Sprintf("%s: %d succeeded, %d failed, %d cancelled, %d rejected; %s on average",
			count(s.Total, "deployment"), s.Succeeded, s.Failed, s.Cancelled, s.Rejected, took)})
	}
	return table([]string{"", ""}, rows, color)[1:]
}
