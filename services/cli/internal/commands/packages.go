package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) packagesCommand() *cobra.Command {
	return group("packages", "What can be deployed", a.packagesAddCommand(), a.packagesListCommand())
}

func (a *app) packagesListCommand() *cobra.Command {
	var application, version string
	cmd := &cobra.Command{
		Use:   "list [--application NAME]",
		Short: "List packages, newest first",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			packages, err := client.Collect(c.Packages(ctx, application, version))
			if err != nil {
				return err
			}
			return a.show(items[client.Package]{packages}, func() []string { return display.Packages(packages, a.color()) })
		}),
	}
	cmd.Flags().StringVar(&application, "application", "", "only packages of this application")
	cmd.Flags().StringVar(&version, "version", "", "only packages of this version")
	return cmd
}
