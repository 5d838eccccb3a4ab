package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) runningCommand() *cobra.Command {
	var q client.RunningQuery
	var at string
	cmd := &cobra.Command{
		Use:   "running [APPLICATION]",
		Short: "Show what runs where, now or at a time, as deployments left it",
		Long: `Show which version runs on which host, since when, and which deployment put it
there. No host is asked: 'slipway releases' does that.`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			var err error
			if q.At, err = parseMoment(at, time.Now()); err != nil {
				return usage("--at %s", err)
			}
			if len(args) == 1 {
				q.Application = args[0]
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			found, err := client.Collect(c.Running(ctx, q))
			if err != nil {
				return err
			}
			return a.show(items[client.Placement]{found}, func() []string { return display.Running(found, c.Now(), a.color()) })
		}),
	}
	cmd.Flags().StringVar(&q.Server, "on", "", "name or id of a host, to see this one alone")
	cmd.Flags().StringVar(&at, "at", "", "what ran then, such as 2026-03-01, 2026-03-01T12:00:00Z or 48h ago, written 48h")
	return cmd
}

func (a *app) statsCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "stats [APPLICATION]",
		Short: "Show what deployments came to: how many, how often, how long, how many failed",
		Long: `Show what the deployments of the last 30 days came to, or those of other days, of
one application or of each. LEAD is from the request to the end of deploys that
succeeded, RESTORE from a failure to the next success, FAILED the share of deploys
that did.`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			application := ""
			if len(args) == 1 {
				application = args[0]
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			found, err := c.Statistics(ctx, application, from, to)
			if err != nil {
				return err
			}
			return a.show(found, func() []string { return display.Statistics(found, a.color()) })
		}),
	}
	cmd.Flags().StringVar(&from, "from", "", "first day, such as 2026-03-01 (default 29 days before the last)")
	cmd.Flags().StringVar(&to, "to", "", "last day (default today)")
	return cmd
}

func (a *app) historyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "history",
		Short: "Show how far history is behind what happens, and what it could not take in",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			h, err := c.History(ctx)
			if err != nil {
				return err
			}
			return a.show(h, func() []string { return display.History(h, c.Now(), a.color()) })
		}),
	}
}
