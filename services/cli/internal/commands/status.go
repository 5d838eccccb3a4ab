package commands

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

type statusFlags struct {
	query       client.DeploymentsQuery
	state       string
	since, till string
	limit       int
}

// forLists are the flags that make no sense for one deployment.
var forLists = []string{"application", "project", "state", "by", "batch", "stage", "template", "metadata", "on", "match", "since", "until", "oldest", "limit"}

func (a *app) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status [DEPLOYMENT]",
		Short: "Show recent deployments, or one with its hosts",
		Long: `Without an argument, list recent deployments. With one, show how that deployment
stands on each host; the exit status is 1 if it has ended without success.`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if f.limit < 1 {
				return usage("--limit must be at least 1")
			}
			if i := slices.IndexFunc(forLists, cmd.Flags().Changed); len(args) == 1 && i >= 0 {
				return usage("--%s is for the list of deployments", forLists[i])
			}
			if err := f.read(time.Now()); err != nil {
				return err
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return a.statusOf(ctx, c, args[0])
			}
			return a.recent(ctx, c, f)
		}),
	}
	cmd.Flags().StringVar(&f.query.Application, "application", "", "only deployments of this application")
	cmd.Flags().StringVar(&f.query.Project, "project", "", "only deployments of this project")
	cmd.Flags().StringVar(&f.query.Stage, "stage", "", "only deployments by a stage of this name")
	cmd.Flags().StringVar(&f.query.Template, "template", "", "only deployments by a template of this name")
	cmd.Flags().StringToStringVar(&f.query.Metadata, "metadata", nil, "only deployments of which this was noted, such as ticket=SHOP-42")
	cmd.Flags().StringVar(&f.state, "state", "", "only deployments in this state, such as running, paused or failed")
	cmd.Flags().StringVar(&f.query.Actor, "by", "", "only deployments that the token of this name asked for")
	cmd.Flags().StringVar(&f.query.Batch, "batch", "", "only deployments that were asked for in the batch of this id")
	cmd.Flags().StringVar(&f.query.Server, "on", "", "only deployments to this host, by name or id")
	cmd.Flags().StringVar(&f.query.Text, "match", "", "only deployments with words in application, project or version that begin so")
	cmd.Flags().StringVar(&f.since, "since", "", "only deployments asked for since then, such as 2026-03-01, 2026-03-01T12:00:00Z or 48h")
	cmd.Flags().StringVar(&f.till, "until", "", "only deployments asked for before that")
	cmd.Flags().BoolVar(&f.query.OldestFirst, "oldest", false, "the oldest first")
	cmd.Flags().IntVar(&f.limit, "limit", 20, "how many at most")
	return cmd
}

// read converts what is written.
func (f *statusFlags) read(now time.Time) error {
	f.query.State = client.State(f.state)
	for _, at := range []struct {
		name, text string
		into       *time.Time
	}{{"since", f.since, &f.query.From}, {"until", f.till, &f.query.To}} {
		t, err := parseMoment(at.text, now)
		if err != nil {
			return usage("--%s %s", at.name, err)
		}
		*at.into = t
	}
	return nil
}

func (a *app) recent(ctx context.Context, c *client.Client, f statusFlags) error {
	recent := []client.Deployment{}
	for d, err := range c.Deployments(ctx, f.query, f.limit) {
		if err != nil {
			return err
		}
		if recent = append(recent, d); len(recent) == f.limit {
			break
		}
	}
	return a.show(items[client.Deployment]{recent}, func() []string { return display.Deployments(recent, c.Now(), a.color()) })
}

func (a *app) statusOf(ctx context.Context, c *client.Client, id string) error {
	d, err := c.Deployment(ctx, id)
	if err != nil {
		return err
	}
	targets, err := client.Collect(c.AllTargets(ctx, id))
	if err != nil {
		return err
	}
	err = a.show(standing{d, targets}, func() []string {
		return append(display.Status(d, targets, c.Now(), a.color()), display.WhereToLook(d, targets)...)
	})
	return errors.Join(err, failure(d))
}
