package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) servicesCommand() *cobra.Command {
	var events bool
	cmd := &cobra.Command{
		Use:   "services [SERVICE [REPLICA]]",
		Short: "Show the replicas of Slipway's own services, ping one, or see how they came and went",
		Long: `Show the replicas of all services of Slipway, or of one. A replica that is named is
asked whether it is there and what it has done since it was started. --events lists
how replicas came and went, the newest first.`,
		Args: cobra.MaximumNArgs(2),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			service, replica := append(args, "", "")[0], append(args, "", "")[1]
			switch {
			case events:
				found, err := client.Collect(c.ServiceEvents(ctx, service, replica))
				if err != nil {
					return err
				}
				return a.show(items[client.ServiceEvent]{found}, func() []string { return display.ServiceEvents(found, a.color()) })
			case replica != "":
				found, err := c.PingReplica(ctx, service, replica)
				if err != nil {
					return err
				}
				return a.show(found, func() []string { return display.Replica(found, c.Now(), a.color()) })
			case service != "":
				found, err := c.Service(ctx, service)
				if err != nil {
					return err
				}
				return a.show(found, func() []string { return display.Services([]client.Service{found}, c.Now(), a.color()) })
			}
			found, err := c.Services(ctx)
			if err != nil {
				return err
			}
			return a.show(items[client.Service]{found}, func() []string { return display.Services(found, c.Now(), a.color()) })
		}),
	}
	cmd.Flags().BoolVar(&events, "events", false, "list how replicas came and went")
	return cmd
}

func (a *app) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Show how the installation is: what is missing, what runs, how busy it is",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			h, err := c.Health(ctx)
			if err != nil {
				return err
			}
			return a.show(h, func() []string { return display.Health(h, a.color()) })
		}),
	}
}
