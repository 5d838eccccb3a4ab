package api

import (
	"errors"

	"github.com/slipway-deploy/slipway/services/gateway/internal/applicationlist"
	"github.com/slipway-deploy/slipway/services/gateway/internal/projects"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// takenApplications is what taking a list of applications over came to, as it is sent.
type takenApplications struct {
	counted
	Applications []takenApplication `json:"applications"`
}

type takenApplication struct {
	takenEntry
	Application string `json:"application,omitempty"`
}

func (a *API) importApplications(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	project, err := a.parent(c, projects.Application)
	if err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	if format, _ := o.OneOf("format", applicationlist.Formats()...); format == "" && !c.errs.Has("format") {
		o.Check("format", "is required")
	}
	text, _ := o.Required("list")
	t := projects.Takeover{Kind: projects.Application, Project: project, Seal: a.Seal}
	t.Check = func(i projects.Item, found error) error { return a.checkItem(nil, i, found) }
	t.DryRun, _ = o.Bool("dry_run")
	o.End()
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	locate, err := a.locator(c)
	if err != nil {
		return answer{}, err
	}
	entries, bad := applicationlist.ParseRex(text, locate, maxBadLines)
	for _, one := range bad {
		c.refuseLine(one)
	}
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	t.Entries = entries
	taken, err := a.Projects.TakeOver(c.ctx, t)
	switch {
	case errors.Is(err, takeover.ErrEntry):
		return answer{}, c.refuseEntries(taken)
	case err != nil:
		return answer{}, err
	}
	out := takenApplications{counted: counted{DryRun: t.DryRun}, Applications: []takenApplication{}}
	for _, one := range taken {
		if out.count(one) {
			out.Applications = append(out.Applications, takenApplication{takenEntryOf(one), one.ID})
		}
	}
	return ok(out)
}

// locator returns what finds the servers that a list means; it fails soon where the broker
// is away.
func (a *API) locator(c *call) (applicationlist.Locate, error) {
	ctx, cancel := a.brief(c)
	defer cancel()
	return a.Servers.Locator(ctx)
}
