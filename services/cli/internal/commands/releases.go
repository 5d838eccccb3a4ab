package commands

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// releasesTimeout is longer than others: the server connects to hosts before it answers, and some may not be there.
const releasesTimeout = 3 * time.Minute

func (a *app) releasesCommand() *cobra.Command {
	var q client.ReleasesQuery
	var all bool
	cmd := &cobra.Command{
		Use:   "releases APPLICATION",
		Short: "Read from hosts what runs where",
		Long: `Connect to hosts and read which releases of an application they hold and which
one runs: all hosts, or those that are named.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			q.Application = args[0]
			if _, err := parseLabels(q.Labels); err != nil {
				return err
			}
			c, err := a.connect(releasesTimeout)
			if err != nil {
				return err
			}
			hosts, err := client.Collect(c.Releases(ctx, q))
			if err != nil {
				return err
			}
			err = a.show(items[client.ServerReleases]{hosts}, func() []string { return display.Releases(hosts, a.color()) })
			for _, h := range hosts {
				if err == nil && h.Failure != nil {
					err = errFailed
				}
			}
			return err
		}),
	}
	placeFlags(cmd, &q.Place)
	cmd.Flags().StringSliceVar(&q.Servers, "on", nil, "names or ids of hosts, separated by commas")
	labelFlag(cmd, &q.Labels, "hosts with this label; repeat it for more, which must all match")
	cmd.Flags().BoolVar(&all, "all", false, "all hosts, as without --on and --label")
	cmd.MarkFlagsMutuallyExclusive("all", "on")
	cmd.MarkFlagsMutuallyExclusive("all", "label")
	return cmd
}
