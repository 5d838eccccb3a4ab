package api

import (
	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/knownhosts"
)

const (
	maxBadLines = 100  // that one answer names
	maxImported = 1000 // servers that one answer names
)

// imported is what the import of a known_hosts came to, as it is sent.
type imported struct {
	DryRun    bool             `json:"dry_run"`
	Added     int              `json:"added"`
	Replaced  int              `json:"replaced"`
	Unchanged int              `json:"unchanged"`
	Conflicts int              `json:"conflicts"`
	TooMany   int              `json:"too_many"`
	Servers   []importedServer `json:"servers"`
}

type importedServer struct {
	Server  string            `json:"server"`
	Name    string            `json:"name"`
	Outcome inventory.Outcome `json:"outcome"`
	Lines   []int             `json:"lines"`
}

func (a *API) importKnownHosts(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	var i inventory.Import
	text, _ := o.Required("known_hosts")
	i.Replace, _ = o.Bool("replace")
	i.DryRun, _ = o.Bool("dry_run")
	o.End()
	file, bad := knownhosts.Parse(text, maxBadLines)
	for _, line := range bad {
		c.errs.Add("known_hosts", "%s", line.Error())
	}
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	i.File = file
	if err := a.reachServers(c); err != nil {
		return answer{}, err
	}
	servers, err := a.Servers.ImportKnownHosts(c.ctx, i)
	if err != nil {
		return answer{}, err
	}
	return ok(importedOf(i, servers))
}

// reachServers fails soon where the broker is away.
func (a *API) reachServers(c *call) error {
	ctx, cancel := a.brief(c)
	defer cancel()
	return a.Servers.Refresh(ctx)
}

// importedOf counts all servers and names those that are to be looked at first:
// what was stored before is not named.
func importedOf(i inventory.Import, servers []inventory.Imported) imported {
	out := imported{DryRun: i.DryRun, Servers: []importedServer{}}
	for _, s := range servers {
		switch s.Outcome {
		case inventory.Added:
			out.Added++
		case inventory.Replaced:
			out.Replaced++
		case inventory.Conflict:
			out.Conflicts++
		case inventory.TooMany:
			out.TooMany++
		case inventory.Unchanged:
			out.Unchanged++
			continue
		}
		if len(out.Servers) < maxImported {
			out.Servers = append(out.Servers, importedServer(s))
		}
	}
	return out
}
