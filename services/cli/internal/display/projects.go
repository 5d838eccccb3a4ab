package display

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// Groups is a table of groups of hosts.
func Groups(groups []client.Group, color bool) []string {
	rows := make([][]string, 0, len(groups))
	for _, g := range groups {
		rows = append(rows, []string{g.Name, labels(g.Selector), labels(g.Labels), g.ID, g.Description})
	}
	return table([]string{"NAME", "HOSTS WITH", "LABELS", "ID", "DESCRIPTION"}, rows, color)
}

// Group is what is known of one group.
func Group(g client.Group) []string {
	return fields([]field{
		{"Name", g.Name},
		{"ID", g.ID},
		{"Description", g.Description},
		{"Hosts with", labels(g.Selector)},
		{"Labels", labels(g.Labels)},
		{"Added", stamp(g.CreatedAt)},
		{"Changed", stamp(g.UpdatedAt)},
	})
}

// ProjectItems is a table of projects, or of what is in one.
func ProjectItems(found []client.ProjectItem, color bool) []string {
	rows := make([][]string, 0, len(found))
	for _, i := range found {
		rows = append(rows, []string{i.Name, says(i), strings.Join(i.Secrets, ","), labels(i.Labels), i.ID, i.Description})
	}
	return table([]string{"NAME", "SAYS", "SECRETS", "LABELS", "ID", "DESCRIPTION"}, rows, color)
}

// says is the names of what deployments say by it.
func says(i client.ProjectItem) string {
	var defaults map[string]json.RawMessage
	_ = json.Unmarshal(i.Defaults, &defaults) // what cannot be read says nothing
	return strings.Join(slices.Sorted(maps.Keys(defaults)), ",")
}

// ProjectItem is what is known of a project, or of something in one.
func ProjectItem(i client.ProjectItem) []string {
	var defaults bytes.Buffer
	if len(i.Defaults) > 0 {
		_ = json.Indent(&defaults, i.Defaults, "", "  ") // what cannot be read is not shown
	}
	return fields([]field{
		{"Name", i.Name},
		{"ID", i.ID},
		{"Project", i.Project},
		{"Description", i.Description},
		{"Labels", labels(i.Labels)},
		{"Secrets", strings.Join(i.Secrets, ", ")},
		{"Added", stamp(i.CreatedAt)},
		{"Changed", stamp(i.UpdatedAt)},
		{"Says", defaults.String()},
	})
}
