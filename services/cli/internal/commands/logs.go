package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) logsCommand() *cobra.Command {
	var q client.LogsQuery
	cmd := &cobra.Command{
		Use:   "logs APPLICATION FILE",
		Short: "Show the end of a log file on hosts",
		Long: `Connect to hosts and show the last lines of a file: absolute, or below the path
of the application. With --profile, a name alone is one of the logs where the
profile has them. The executors' setting logs.allow says which may be shown;
by default those below shared/log, shared/logs, current/log and current/logs.`,
		Example: `  slipway logs shop shared/log/app.log --lines 200 --on web-1,web-2
  slipway logs shop info.log --profile java`,
		Args: cobra.ExactArgs(2),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			q.Application, q.File = args[0], args[1]
			if _, err := parseLabels(q.Labels); err != nil {
				return err
			}
			c, err := a.connect(releasesTimeout)
			if err != nil {
				return err
			}
			hosts, err := client.Collect(c.Logs(ctx, q))
			if err != nil {
				return err
			}
			err = a.show(items[client.ServerLog]{hosts}, func() []string { return display.Logs(hosts) })
			for _, h := range hosts {
				if err == nil && h.Failure != nil {
					err = errFailed
				}
			}
			return err
		}),
	}
	cmd.Flags().IntVar(&q.Lines, "lines", 100, "how many lines of each host, at most 999")
	placeFlags(cmd, &q.Place)
	cmd.Flags().StringSliceVar(&q.Servers, "on", nil, "names or ids of hosts, separated by commas")
	labelFlag(cmd, &q.Labels, "hosts with this label; repeat it for more, which must all match")
	return cmd
}
