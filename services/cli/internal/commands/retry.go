package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func (a *app) retryCommand() *cobra.Command {
	var f courseFlags
	var all, detach bool
	cmd := &cobra.Command{
		Use:   "retry DEPLOYMENT",
		Short: "Try a deployment again on the hosts that failed",
		Long: `Do what a deployment did once more, on exactly the hosts that failed in it, as a
deployment of its own. It must have ended. With --all-hosts, do it once more on all
hosts that it was begun on.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := f.validate(cmd); err != nil {
				return err
			}
			if err := a.readCallback(&f); err != nil {
				return err
			}
			o := a.outage()
			c, err := a.stay(o)
			if err != nil {
				return err
			}
			made, err := c.Retry(ctx, args[0], client.RetryCreate{Course: f.course(), WhenBusy: f.busy, All: all})
			if err != nil {
				return a.uncertain(ctx, err)
			}
			return a.accepted(ctx, c, o, made, detach)
		}),
	}
	f.add(cmd)
	f.addBusy(cmd)
	cmd.Flags().BoolVar(&all, "all-hosts", false, "on all hosts that it was begun on, not only on those that failed")
	cmd.Flags().BoolVar(&detach, "detach", false, "print the id of the deployment and do not watch")
	return cmd
}
