package commands

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

type statusFlags struct {
	application string
	state       string
	limit       int
}

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
			if len(args) == 1 && (cmd.Flags().Changed("application") || cmd.Flags().Changed("state") || cmd.Flags().Changed("limit")) {
				return usage("--application, --state and --limit are for the list of deployments")
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
	cmd.Flags().StringVar(&f.application, "application", "", "only deployments of this application")
	cmd.Flags().StringVar(&f.state, "state", "", "only deployments in this state, such as running, paused or failed")
	cmd.Flags().IntVar(&f.limit, "limit", 20, "how many at most")
	return cmd
}

func (a *app) recent(ctx context.Context, c *client.Client, f statusFlags) error {
	recent := []client.Deployment{}
	for d, err := range c.Deployments(ctx, f.application, client.State(f.state), f.limit) {
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
	err = a.show(standing{d, targets}, func() []string { return display.Status(d, targets, c.Now(), a.color()) })
	return errors.Join(err, failure(d))
}
