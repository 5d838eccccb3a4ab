package client

import (
	"context"
	"net/http"
)

// ServerList is a list of servers that others keep.
type ServerList struct {
	Format   string         `json:"format"` // csv, yaml, ansible_ini, ansible_yaml, ssh_config, rex or platform
	List     string         `json:"list"`
	Defaults ServerDefaults `json:"defaults"`
	DryRun   bool           `json:"dry_run,omitempty"` // nothing is stored
}

// ServerDefaults is what new servers get that the list does not say, as ServerCreate has it.
type ServerDefaults struct {
	Port             int               `json:"port,omitempty"`
	User             string            `json:"user,omitempty"`
	Credential       *Credential       `json:"credential,omitempty"`
	HostCA           string            `json:"host_ca,omitempty"`
	RevokedKeys      string            `json:"revoked_keys,omitempty"`
	LegacyAlgorithms []string          `json:"legacy_algorithms,omitempty"`
	FirstContact     bool              `json:"first_contact,omitempty"`
	JumpHost         string            `json:"jump_host,omitempty"`
	Labels           map[string]string `json:"labels,omitempty"`
}

// ImportCounts is what taking a list over came to, in numbers of its entries.
type ImportCounts struct {
	DryRun  bool `json:"dry_run"`
	Created int  `json:"created"`
	Changed int  `json:"changed"`
	Same    int  `json:"same"`
	Skipped int  `json:"skipped"`
	Failed  int  `json:"failed"`
}

// ImportedEntry is what became of an entry of a list.
type ImportedEntry struct {
	Line    int          `json:"line"`
	Name    string       `json:"name"`
	Outcome string       `json:"outcome"`
	Changes []string     `json:"changes,omitempty"`
	Errors  []FieldError `json:"errors,omitempty"`
	Notes   []string     `json:"notes,omitempty"`
}

// ServersImported is what it came to.
type ServersImported struct {
	ImportCounts
	Notes   []string         `json:"notes,omitempty"`
	Servers []ImportedServer `json:"servers"` // that are not the same, or have notes
}

// ImportedServer is what became of an entry.
type ImportedServer struct {
	ImportedEntry
	Server string `json:"server,omitempty"` // id
}

// ImportServers has servers be as a list says.
func (c *Client) ImportServers(ctx context.Context, l ServerList) (ServersImported, error) {
	var came ServersImported
	err := c.do(ctx, call{method: http.MethodPost, path: "/v1/servers/import", key: newKey(), json: l, into: &came})
	return came, err
}

// ApplicationList is a list of applications that others keep.
type ApplicationList struct {
	Format string `json:"format"` // rex
	List   string `json:"list"`
	DryRun bool   `json:"dry_run,omitempty"` // nothing is stored
}

// ApplicationsImported is what it came to.
type ApplicationsImported struct {
	ImportCounts
	Applications []ImportedApplication `json:"applications"` // that are not the same, or have notes
}

// ImportedApplication is what became of an entry.
type ImportedApplication struct {
	ImportedEntry
	Application string `json:"application,omitempty"` // id
}

// ImportApplications has applications of a project be as a list says.
func (c *Client) ImportApplications(ctx context.Context, project string, l ApplicationList) (ApplicationsImported, error) {
	var came ApplicationsImported
	err := c.do(ctx, call{method: http.MethodPost, path: string(InProject(project, "applications")) + "/import", key: newKey(), json: l, into: &came})
	return came, err
}
