package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
)

func (a *app) watchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "watch DEPLOYMENT",
		Short: "Watch a deployment until it ends",
		Long: `Watch a deployment until it ends. The exit status is 0 if it succeeded, and 1 if
not.

On a terminal, hosts are shown as lines that are redrawn; elsewhere each change
is a line. With --output json, each change is a JSON document on a line of its
own: of a step, of a host ("step" is absent), or of the deployment ("server" is
absent too).`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			o := a.outage()
			c, err := a.stay(o)
			if err != nil {
				return err
			}
			if !a.asJSON() {
				return a.watchToEnd(ctx, c, o, args[0])
			}
			end, err := a.follow(ctx, c, o, args[0], &lines{say: func(change follow.Change) error { return a.encode(change, "") }})
			if err != nil {
				return err
			}
			return failure(end.Deployment)
		}),
	}
}
