package api

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/services/gateway/internal/inventory"
	"github.com/slipway-deploy/slipway/services/gateway/internal/numbers"
	"github.com/slipway-deploy/slipway/services/gateway/internal/serverlist"
	"github.com/slipway-deploy/slipway/services/gateway/internal/takeover"
)

// takenServers is what taking a list of servers over came to, as it is sent.
type takenServers struct {
	counted
	Servers []takenServer `json:"servers"`
}

type takenServer struct {
	takenEntry
	Server string `json:"server,omitempty"`
}

func (a *API) importServers(c *call) (answer, error) {
	if err := c.noQuery(); err != nil {
		return answer{}, err
	}
	o, err := c.object()
	if err != nil {
		return answer{}, err
	}
	t := inventory.Takeover{Seal: a.Seal}
	format, _ := o.OneOf("format", serverlist.Formats()...)
	if format == "" && !c.errs.Has("format") {
		o.Check("format", "is required")
	}
	text, _ := o.Required("list")
	if d, ok := o.Object("defaults"); ok {
		t.Defaults = inventory.ReadDefaults(c.ctx, d, &c.errs)
	}
	t.DryRun, _ = o.Bool("dry_run")
	o.End()
	if err := c.wrong(); err != nil {
		return answer{}, err
	}
	list, bad := serverlist.Parse(format, text, maxBadLines)
	for _, one := range bad {
		c.refuseLine(one)
	}
	if err := c.errs.Err(); err != nil {
		return answer{}, err
	}
	t.Entries = list.Entries
	if err := a.reachServers(c); err != nil {
		return answer{}, err
	}
	taken, err := a.Servers.TakeOver(c.ctx, t)
	switch {
	case errors.Is(err, takeover.ErrEntry):
		return answer{}, c.refuseEntries(entriesOf(taken))
	case err != nil:
		return answer{}, err
	}
	if err := a.keepNumbers(c.ctx, t, taken); err != nil {
		return answer{}, err
	}
	out := takenServers{counted: counted{DryRun: t.DryRun, Notes: list.Notes}, Servers: []takenServer{}}
	for _, one := range taken {
		if out.count(one.Taken) {
			out.Servers = append(out.Servers, takenServer{takenEntryOf(one.Taken), one.ID})
		}
	}
	return ok(out)
}

// keepNumbers has the servers have the numbers that clients know them by. Where one cannot
// have its number, that is noted: it has, or will get, another one.
func (a *API) keepNumbers(ctx context.Context, t inventory.Takeover, taken []inventory.Taken) error {
	var all errgroup.Group
	all.SetLimit(takeover.AtOnce)
	for i, e := range t.Entries {
		one := &taken[i]
		if e.Number == 0 || one.Outcome == takeover.Skipped || one.Outcome == takeover.Failed {
			continue
		}
		all.Go(func() error {
			given, err := a.keepNumber(ctx, t.DryRun, one.ID, e.Number)
			switch {
			case errors.Is(err, numbers.ErrTaken), errors.Is(err, numbers.ErrNumbered):
				one.Notes = append(one.Notes, fmt.Sprintf("it cannot be number %d: %s", e.Number, err))
				return nil
			case given && one.Outcome != takeover.Created:
				one.Outcome, one.Changes = takeover.Changed, append(one.Changes, "number")
			}
			return err
		})
	}
	return all.Wait()
}

// keepNumber says whether a server is given the number, or would be.
func (a *API) keepNumber(ctx context.Context, dry bool, server string, number uint64) (given bool, err error) {
	if dry {
		has, err := a.Numbers.CanKeep(ctx, numbers.Server, server, number)
		return !has, err
	}
	return a.Numbers.Keep(ctx, numbers.Server, server, number)
}

func entriesOf(taken []inventory.Taken) []takeover.Taken {
	all := make([]takeover.Taken, len(taken))
	for i, one := range taken {
		all[i] = one.Taken
	}
	return all
}
