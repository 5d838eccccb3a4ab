// Package applicationlist reads the lists of applications that others keep. It says what
// a list says; whether that is an application, package projects and the API know.
package applicationlist

import (
	"path"
	"slices"

	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rextable"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
	"github.com/slipway-deploy/slipway/services/gateway/internal/table"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// Rex is the format of the inventory of rex.
const Rex = "rex"

// Formats returns all formats.
func Formats() []string { return []string{Rex} }

// Locate returns the name of the server that is meant by a name or else an address, or "".
type Locate func(name, address string) string

// ParseRex reads the inventory of rex, and returns what is wrong with it, at most so much of
// it: each program is an application that lies where the dialect rex releases it, and one
// more where its configuration lies apart.
func ParseRex(text string, locate Locate, most int) ([]projects.Entry, []table.Bad) {
	rows, bad := rextable.Read(text, "app_key", "local_name", "pro_dir", "network_ip")
	programs, wrong := rextable.Programs(rows)
	bad = append(bad, wrong...)
	var entries []projects.Entry
	for _, p := range programs {
		server := locate(p.Server, p.Address)
		for _, part := range p.Parts() {
			entries = append(entries, entryOf(p, part, server))
		}
	}
	entries = append(entries, skipped(rows)...)
	slices.SortStableFunc(entries, func(a, b projects.Entry) int { return a.Line - b.Line })
	slices.SortStableFunc(bad, func(a, b table.Bad) int { return a.Line - b.Line })
	return entries, bad[:min(len(bad), most)]
}

// skipped is the rows that name a group, and no program of it; one that names neither is of
// a server alone.
func skipped(rows []table.Row) []projects.Entry {
	var entries []projects.Entry
	for _, row := range rows {
		if group := row.Cells["local_name"]; group != "" && row.Cells["app_key"] == "" {
			entries = append(entries, projects.Entry{Line: row.Line, Name: group, Skip: "app_key is empty: it is no program"})
		}
	}
	return entries
}

func entryOf(p rextable.Program, part rextable.Part, server string) projects.Entry {
	e := projects.Entry{Line: p.Line, Name: part.Application, Labels: map[string]string{}}
	var errs field.Errors
	if server == "" {
		errs.Add("network_ip", "there is no server of this name or address: take the servers over first")
	}
	if !path.IsAbs(p.Dir) {
		errs.Add("pro_dir", "must be an absolute path")
	}
	if p.Apart && !path.IsAbs(p.ConfigDir) {
		errs.Add("config_dir", "must be an absolute path where is_deploy_dir is 2")
	}
	e.Errors = errs
	if len(errs) > 0 {
		return e
	}
	e.Defaults = map[string]any{"path": part.Base(), "link": part.Link, "servers": []string{server}}
	if part.Restart != "" {
		e.Defaults["restart"] = map[string]any{"command": part.Restart}
	}
	if group := takeover.GroupLabel + p.Name; rule.LabelKey(group) == "" {
		e.Labels[group] = "true"
	} else {
		e.Notes = append(e.Notes, "the group "+p.Name+" is not taken over: no label can be called so")
	}
	if p.Env != "" {
		e.Labels["environment"] = p.Env
	}
	if p.Script != "" && part.Link == p.Dir {
		e.Notes = append(e.Notes, "pro_init is not taken over: nobody knows how to end what it has started; say a restart")
	}
	return e
}
