package serverlist

import (
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
)

// columns are those that a table may have, beside label.KEY.
var columns = []string{"name", "address", "port", "user", "jump_host", "first_contact", "host_key", "host_ca", "revoked_keys", "labels"}

// parseCSV reads a table. An empty cell says nothing.
func parseCSV(text string) (entries []Entry, bad []Bad) {
	t, bad := table.CSV(text)
	if t.Columns == nil {
		return nil, bad
	}
	names := make([]string, len(t.Columns))
	wrong := false
	for i, name := range t.Columns {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if key, isLabel := strings.CutPrefix(strings.TrimSpace(name), "label."); isLabel {
			names[i] = "label." + key
		} else if !slices.Contains(columns, names[i]) {
			bad, wrong = append(bad, Bad{Line: 1, Field: name, Message: "is no column of a server; there are " + strings.Join(columns, ", ") + " and label.KEY"}), true
		}
	}
	if !slices.Contains(names, "name") {
		bad, wrong = append(bad, Bad{Line: 1, Field: "name", Message: "is not among the columns, which the first line names"}), true
	}
	if wrong {
		return nil, bad
	}
	for _, row := range t.Rows {
		cells := make([]string, len(names))
		for i, column := range t.Columns {
			cells[i] = row.Cells[column]
		}
		e, wrong := entryOf(row.Line, names, cells)
		entries, bad = append(entries, e), append(bad, wrong...)
	}
	return entries, bad
}

func entryOf(line int, names, cells []string) (Entry, []Bad) {
	e := Entry{Line: line, Fields: map[string]any{}}
	var bad []Bad
	label := func(key, value string) {
		if e.Labels == nil {
			e.Labels = map[string]string{}
		}
		e.Labels[key] = value
	}
	for i, name := range names {
		cell := strings.TrimSpace(cells[i])
		switch key, isLabel := strings.CutPrefix(name, "label."); {
		case cell == "":
		case isLabel:
			label(key, cell)
		case name == "name":
			e.Name = cell
		case name == "port":
			e.setPort(cell)
		case name == "first_contact":
			yes := map[string]bool{"true": true, "yes": true, "1": true, "false": false, "no": false, "0": false}
			value, known := yes[strings.ToLower(cell)]
			if !known {
				bad = append(bad, Bad{Line: line, Field: name, Message: "must be true or false"})
			}
			e.Fields[name] = value
		case name == "labels":
			for pair := range strings.FieldsFuncSeq(cell, func(r rune) bool { return r == ';' || r == ',' }) {
				key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
				if !ok {
					bad = append(bad, Bad{Line: line, Field: name, Message: "must be key=value, with ';' between them"})
				}
				label(key, value)
			}
		default:
			e.set(name, cell)
		}
	}
	if e.Name == "" {
		bad = append(bad, Bad{Line: line, Field: "name", Message: "is required"})
	}
	return e, bad
}
