package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) locksCommand() *cobra.Command {
	var host string
	cmd := &cobra.Command{
		Use:   "locks",
		Short: "Show which deployment has which host, and who waits",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			found, err := c.Locks(ctx, host)
			if err != nil {
				return err
			}
			return a.show(found, func() []string { return display.Locks(found, c.Now(), a.color()) })
		}),
	}
	cmd.Flags().StringVar(&host, "on", "", "name or id of a host, to see this one alone")
	return cmd
}

func (a *app) unlockCommand() *cobra.Command {
	var deployment, reason string
	cmd := &cobra.Command{
		Use:   "unlock HOST --deployment DEPLOYMENT",
		Short: "Take a host from the deployment that has it",
		Long: `Take a host, by name or id, from a deployment that will never let go of it by
itself. The deployment fails there, and who waits is next. 'slipway locks' shows
which deployment has it; if another has it by now, nothing is changed.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			if err := c.BreakLock(ctx, args[0], deployment, reason); err != nil {
				return err
			}
			if a.asJSON() {
				return nil
			}
			return a.print(display.Clean(args[0] + " was taken from deployment " + deployment + "."))
		}),
	}
	cmd.Flags().StringVar(&deployment, "deployment", "", "the deployment that has the host, as you saw it")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for people")
	_ = cmd.MarkFlagRequired("deployment")
	return cmd
}
