package commands

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func (a *app) rollbackCommand() *cobra.Command {
	var application string
	var r client.RollbackCreate
	var f courseFlags
	var detach bool
	cmd := &cobra.Command{
		Use:   "rollback DEPLOYMENT | --application NAME",
		Short: "Take a deployment back",
		Long: `On each host of a finished deployment that still runs what it shipped, go back to
what ran before, or to the version --to. Hosts that run another release by now
are left alone. --application takes its last deployment, which must be finished.`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := f.validate(cmd); err != nil {
				return err
			}
			if err := a.readCallback(&f); err != nil {
				return err
			}
			if (len(args) == 1) == (application != "") {
				return usage("name either a deployment or, with --application, an application")
			}
			o := a.outage()
			c, err := a.stay(o)
			if err != nil {
				return err
			}
			if application != "" {
				id, err := lastDeploy(ctx, c, application)
				if err != nil {
					return err
				}
				args = []string{id}
			}
			r.Course = f.course()
			made, err := c.RollBack(ctx, args[0], r)
			if err != nil {
				return a.uncertain(ctx, err)
			}
			return a.accepted(ctx, c, o, made, detach)
		}),
	}
	cmd.Flags().StringVar(&application, "application", "", "roll back the last deployment of this application")
	cmd.Flags().StringVar(&r.To, "to", "", "version to go back to (default: what ran before)")
	cmd.Flags().StringSliceVar(&r.Servers, "on", nil, "names or ids of hosts, separated by commas (default: all of the deployment)")
	f.add(cmd)
	cmd.Flags().BoolVar(&detach, "detach", false, "print the id of the rollback and do not watch")
	return cmd
}

// lastDeploy returns the last deployment of an application that was no rollback. While that one runs, an older one is
// not what anybody means: hosts would go back two releases.
func lastDeploy(ctx context.Context, c *client.Client, application string) (string, error) {
	for d, err := range c.Deployments(ctx, client.DeploymentsQuery{Application: application}, 20) {
		switch {
		case err != nil:
			return "", err
		case d.Kind != client.KindDeploy:
			continue
		case !d.State.Ended():
			return "", fmt.Errorf("%w: 'slipway watch %s' shows how it goes", errNotFinished, d.ID)
		default:
			return d.ID, nil
		}
	}
	return "", fmt.Errorf("%w: %s was never deployed", errNothingToRollBack, application)
}
