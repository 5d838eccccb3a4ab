package commands

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

func (a *app) initCommand() *cobra.Command {
	var on deployFlags // its hosts alone
	var wanted client.InitCreate
	var supervisor string
	var f courseFlags
	var detach bool
	cmd := &cobra.Command{
		Use:   "init APPLICATION --supervisor FILE",
		Short: "Have the supervisors of hosts know the programs of an application",
		Long: `Make the directories of an application on hosts, and have their supervisors take up
the sections [program:…] of a file. What a supervisor refuses is taken back, and its
reason is shown. It can be done again: only what changed is changed.`,
		Example: "  slipway init shop --supervisor deploy/shop.conf --label role=web",
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := f.validate(cmd); err != nil {
				return err
			}
			if on.nowhere() {
				return usage("at least one of --to, --label, --group and --all says on which hosts")
			}
			if err := a.readCallback(&f); err != nil {
				return err
			}
			content, err := os.ReadFile(supervisor)
			if err != nil {
				return err
			}
			o := a.outage()
			c, err := a.stay(o)
			if err != nil {
				return err
			}
			wanted.Supervisor.Content, wanted.Course, wanted.WhenBusy = string(content), f.course(), f.busy
			wanted.Group = on.group
			if wanted.Selector, err = parseLabels(on.labels); err != nil {
				return err
			}
			if wanted.Servers, err = hosts(ctx, c, on); err != nil {
				return err
			}
			made, err := c.Init(ctx, args[0], wanted)
			if err != nil {
				return a.uncertain(ctx, err)
			}
			return a.accepted(ctx, c, o, made, detach)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&supervisor, "supervisor", "", "file with the configuration of its programs for supervisord")
	flags.StringVar(&wanted.Supervisor.Socket, "socket", "", "socket of supervisord on the hosts (default /run/supervisor.sock)")
	placeFlags(cmd, &wanted.Place)
	flags.StringVar(&wanted.Project, "project", "", "project that it belongs to, which may have so many deployments under way at once")
	on.addHosts(cmd)
	f.add(cmd)
	f.addBusy(cmd)
	flags.BoolVar(&detach, "detach", false, "print the id of the deployment and do not watch")
	_ = cmd.MarkFlagRequired("supervisor")
	return cmd
}
