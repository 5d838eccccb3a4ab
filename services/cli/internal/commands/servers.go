package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) serversCommand() *cobra.Command {
	return group("servers", "The hosts that can be deployed to",
		a.serversListCommand(), a.serversAddCommand(), a.serversShowCommand(), a.serversEditCommand(), a.serversRemoveCommand(),
		a.serversImportCommand(), a.serversImportKeysCommand())
}

func (a *app) serversListCommand() *cobra.Command {
	var labels []string
	cmd := &cobra.Command{
		Use:   "list [--label KEY=VALUE]…",
		Short: "List hosts",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			if _, err := parseLabels(labels); err != nil {
				return err
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			servers, err := client.Collect(c.Servers(ctx, labels))
			if err != nil {
				return err
			}
			return a.show(items[client.Server]{servers}, func() []string { return display.Servers(servers, a.color()) })
		}),
	}
	labelFlag(cmd, &labels, "only hosts with this label; repeat it for more, which must all match")
	return cmd
}

func (a *app) serversShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME|ID",
		Short: "Show what is known of a host",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			server, err := c.Server(ctx, args[0])
			if err != nil {
				return err
			}
			return a.showServer(ctx, c, server)
		}),
	}
}

func (a *app) serversRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME|ID…",
		Short: "Forget hosts; nothing is changed on them",
		Args:  cobra.MinimumNArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			// All are looked up before the first is removed: a mistyped name removes nothing.
			servers := make([]client.Server, 0, len(args))
			for _, ref := range args {
				server, err := c.Server(ctx, ref)
				if err != nil {
					return err
				}
				servers = append(servers, server)
			}
			for _, server := range servers {
				if err := c.RemoveServer(ctx, server.ID); err != nil {
					return err
				}
				if !a.asJSON() {
					if err := a.print("Removed " + display.Clean(server.Name) + "."); err != nil {
						return err
					}
				}
			}
			if a.asJSON() {
				return a.document(items[client.Server]{servers})
			}
			return nil
		}),
	}
}

// showServer shows a host, and its jump host by the name that people know.
func (a *app) showServer(ctx context.Context, c *client.Client, s client.Server) error {
	jump := ""
	if s.JumpHost != "" && !a.asJSON() {
		through, err := c.Server(ctx, s.JumpHost)
		if err != nil {
			return err
		}
		jump = through.Name
	}
	return a.show(s, func() []string { return display.Server(s, jump) })
}
