package api

import (
	"encoding/json"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

// placement is what runs, or ran, of an application on a server, as it is sent.
type placement struct {
	Application string     `json:"application"`
	Server      string     `json:"server"`
	Name        string     `json:"name"`
	Path        string     `json:"path"`
	Version     string     `json:"version"`
	Deployment  string     `json:"deployment,omitempty"`
	Since       time.Time  `json:"since"`
	Until       *time.Time `json:"until,omitempty"`
}

func placementOf(p contract.Placement) placement {
	return placement{
		Application: p.Application, Server: p.Host, Name: p.Name, Path: p.Path, Version: p.Version,
		Deployment: p.Deployment, Since: p.Since, Until: p.Until,
	}
}

func (a *API) listRunning(c *call) (answer, error) {
	q, err := c.query()
	if err != nil {
		return answer{}, err
	}
	l := contract.ListRunning{Limit: readLimit(q), At: readTime(q, &c.errs, "at")}
	l.Application = readText(c, q, "application", rule.Application)
	if l.Server, err = a.readServer(c, q); err != nil {
		return answer{}, err
	}
	l.After = runningPlace(readCursor(q, &c.errs, func(s string) bool { return runningPlace(s) != nil }))
	q.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	found, err := a.Deployments.Running(c.ctx, l)
	if err != nil {
		return answer{}, err
	}
	next := ""
	if found.Next != nil {
		place, err := json.Marshal(found.Next)
		if err != nil {
			return answer{}, err
		}
		next = string(place)
	}
	return ok(pageOf(found.Items, next, placementOf))
}

// runningPlace reads where a page begins; nil where it does not say.
func runningPlace(cursor string) *contract.RunningPlace {
	var p contract.RunningPlace
	if json.Unmarshal([]byte(cursor), &p) != nil || p.Part < 0 || rule.Application(p.Application) != "" {
		return nil
	}
	return &p
}
