package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// applicationsImportCommand is about the project that a flag names.
func (a *app) applicationsImportCommand(project *string) *cobra.Command {
	wanted := client.ApplicationList{Format: "rex"}
	cmd := &cobra.Command{
		Use:   "import FILE --project PROJECT [--dry-run]",
		Short: "Take applications over from a list that others keep",
		Long: `Have applications be as the inventory of rex says (pre_server_detail, as a dump in SQL
or as CSV): where they lie on which server, and how they are restarted. FILE may be -
for standard input. Take the servers over first: slipway servers import.

Applications go by their names. One that is there is changed in what the list says of
it, another is added. Doing it again changes nothing more. If a line cannot be
followed, nothing is changed; --dry-run shows what would be.`,
		Example: `  slipway applications import pre_server_detail.sql --project shop --dry-run`,
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			var err error
			if wanted.List, err = a.content(args[0]); err != nil {
				return err
			}
			c, err := a.connect(importTimeout)
			if err != nil {
				return err
			}
			came, err := c.ImportApplications(ctx, *project, wanted)
			if err != nil {
				return err
			}
			if err := a.show(came, func() []string { return display.ImportedApplications(came, a.color()) }); err != nil {
				return err
			}
			if came.Failed > 0 {
				return errFailed
			}
			return nil
		}),
	}
	cmd.Flags().BoolVar(&wanted.DryRun, "dry-run", false, "say what it would come to, and change nothing")
	return cmd
}
