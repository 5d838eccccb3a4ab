package commands

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// listFormats is the format that a list has by the name of its file. Of YAML there are two.
var listFormats = []struct{ pattern, format string }{
	{"pre_server_detail.*", "rex"}, {"*.csv", "csv"}, {"*.tsv", "csv"}, {"*.ini", "ansible_ini"}, {"hosts", "ansible_ini"}, {"inventory", "ansible_ini"}, {"config", "ssh_config"}, {"ssh_config", "ssh_config"},
}

const knownFormats = "csv, yaml, ansible_ini, ansible_yaml, ssh_config, rex or platform"

func (a *app) serversImportCommand() *cobra.Command {
	var f serverFlags
	var wanted client.ServerList
	cmd := &cobra.Command{
		Use:   "import FILE [--format FORMAT] [--dry-run]",
		Short: "Take hosts over from a list that others keep",
		Long: `Have hosts be as a list says: a table (csv), a list in YAML (yaml), an inventory of
Ansible (ansible_ini, ansible_yaml), the client configuration of OpenSSH
(ssh_config), the inventory of rex (rex), or the servers of platform (platform), both
as CSV or a dump in SQL. FILE may be - for standard input; --format is needed where the name of
the file does not tell.

Hosts go by their names. One that is there is changed in what the list says of it,
another is added; what else new hosts need, such as a login, the flags say. Doing it
again changes nothing more. Groups of others become labels, as group/web=true. If a
line cannot be followed, nothing is changed; --dry-run shows what would be.`,
		Example: `  slipway servers import ~/.ssh/config --key-file ~/.ssh/deploy --first-contact --dry-run
  slipway servers import hosts.csv --user deploy --label from=cmdb
  slipway servers import site.yaml --format ansible_yaml
  slipway servers import pre_server_detail.sql --user root --key-file ~/.ssh/rex`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			for _, known := range listFormats {
				if fits, _ := filepath.Match(known.pattern, filepath.Base(args[0])); fits && wanted.Format == "" {
					wanted.Format = known.format
				}
			}
			if wanted.Format == "" {
				return usage("--format says what %s is: "+knownFormats, args[0])
			}
			var err error
			if wanted.Defaults, err = a.serverDefaults(cmd, f); err != nil {
				return err
			}
			if wanted.List, err = a.content(args[0]); err != nil {
				return err
			}
			c, err := a.connect(importTimeout)
			if err != nil {
				return err
			}
			came, err := c.ImportServers(ctx, wanted)
			if err != nil {
				return err
			}
			if err := a.show(came, func() []string { return display.ImportedServers(came, a.color()) }); err != nil {
				return err
			}
			if came.Failed > 0 {
				return errFailed
			}
			return nil
		}),
	}
	f.registerCommon(cmd)
	cmd.Flags().StringVar(&wanted.Format, "format", "", "what the file is: "+knownFormats)
	cmd.Flags().BoolVar(&wanted.DryRun, "dry-run", false, "say what it would come to, and change nothing")
	return cmd
}

// serverDefaults is what the flags say of new hosts.
func (a *app) serverDefaults(cmd *cobra.Command, f serverFlags) (client.ServerDefaults, error) {
	s, err := a.newServer(f)
	d := client.ServerDefaults{
		User: s.User, Credential: s.Credential, HostCA: s.HostCA, RevokedKeys: s.RevokedKeys, LegacyAlgorithms: s.LegacyAlgorithms,
		FirstContact: s.FirstContact, JumpHost: s.JumpHost, Labels: s.Labels,
	}
	if cmd.Flags().Changed("port") {
		d.Port = s.Port
	}
	return d, err
}
