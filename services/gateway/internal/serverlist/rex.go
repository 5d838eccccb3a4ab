package serverlist

import (
	"cmp"
	"fmt"

	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// rexHosts is the servers of rex while they are read.
type rexHosts struct {
	entries   []*Entry
	byAddress map[string]*Entry
	byName    map[string]*Entry
	bad       []Bad
}

// parseRex reads the servers of the inventory of rex, whose rows are programs: those with
// one network_ip are one server, by the server_name of the first of them.
func parseRex(text string) ([]Entry, []Bad) {
	rows, bad := rextable.Read(text, "network_ip", "local_name")
	h := &rexHosts{byAddress: map[string]*Entry{}, byName: map[string]*Entry{}, bad: bad}
	for _, row := range rows {
		h.add(row)
	}
	entries := make([]Entry, len(h.entries))
	for i, e := range h.entries {
		entries[i] = *e
	}
	return entries, h.bad
}

func (h *rexHosts) add(row table.Row) {
	e := h.find(row)
	if e == nil {
		return
	}
	if group := row.Cells["local_name"]; group != "" && e.Labels[takeover.GroupLabel+group] == "" {
		e.group(group)
	}
	env, had := row.Cells["environment"], e.Labels[environmentLabel]
	switch {
	case env == "" || env == had:
	case had == "":
		e.Labels[environmentLabel] = env
	default:
		e.Notes = append(e.Notes, fmt.Sprintf("its environment is %s here, and %s on line %d", had, env, row.Line))
	}
}

// find returns the server of a row, which there is from then on; nil where the row names
// none.
func (h *rexHosts) find(row table.Row) *Entry {
	name, address := row.Cells["server_name"], row.Cells["network_ip"]
	e, known := h.byAddress[address]
	if address == "" {
		e, known = h.byName[name]
	}
	switch same := h.byName[name]; {
	case name == "" && address == "":
		h.bad = append(h.bad, Bad{Line: row.Line, Field: "network_ip", Message: "is empty, and so is server_name"})
		return nil
	case known && name != "" && name != e.Name && same != e:
		e.Notes = append(e.Notes, fmt.Sprintf("on line %d it is called %q", row.Line, name))
	case !known && same != nil && same.Fields["address"] != nil:
		h.bad = append(h.bad, Bad{Line: row.Line, Field: "server_name", Message: fmt.Sprintf("%q has another network_ip on line %d", name, same.Line)})
		return nil
	case !known && same != nil:
		e, known = same, true
	}
	if !known {
		e = &Entry{Line: row.Line, Name: cmp.Or(name, address), Fields: map[string]any{}, Labels: map[string]string{}, Groups: true, ByAddress: true}
		h.entries = append(h.entries, e)
	}
	e.set("address", address)
	if address != "" {
		h.byAddress[address] = e
	}
	if name != "" && h.byName[name] == nil {
		h.byName[name] = e
	}
	return e
}
