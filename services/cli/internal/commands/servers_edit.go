package commands

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
)

// editFlags are those of a server, and what takes something away.
type editFlags struct {
	serverFlags
	agent         bool
	forgetHostKey bool
	direct        bool
	removeLabels  []string
}

func (a *app) serversEditCommand() *cobra.Command {
	var f editFlags
	cmd := &cobra.Command{
		Use:   "edit NAME|ID",
		Short: "Change a host",
		Long: `Change what is given; the rest stays. A credential is replaced as a whole: give
key, passphrase and password together. Deployments that were accepted before
keep what they were accepted with.`,
		Example: `  slipway servers edit web-1 --address 192.0.2.8 --forget-host-key --first-contact`,
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			patch, err := a.serverPatch(cmd, f)
			if err != nil {
				return err
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			server, err := c.Server(ctx, args[0])
			if err != nil {
				return err
			}
			if server, err = c.ChangeServer(ctx, server.ID, patch); err != nil {
				return err
			}
			return a.showServer(server)
		}),
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.agent, "agent", false, "drop the credential: the SSH agent of the executor logs in")
	flags.BoolVar(&f.forgetHostKey, "forget-host-key", false, "drop the host keys that are known")
	flags.BoolVar(&f.direct, "no-jump-host", false, "connect to the host directly from now on")
	cmd.MarkFlagsMutuallyExclusive("no-jump-host", "jump-host")
	flags.StringArrayVar(&f.removeLabels, "remove-label", nil, "key of a label to take away; repeat it for more")
	for _, name := range []string{"key-file", "password-file"} {
		cmd.MarkFlagsMutuallyExclusive("agent", name)
	}
	for _, name := range []string{"host-key", "host-key-file"} {
		cmd.MarkFlagsMutuallyExclusive("forget-host-key", name)
	}
	return cmd
}

// serverPatch holds what the command line gives, and nothing else.
func (a *app) serverPatch(cmd *cobra.Command, f editFlags) (client.ServerPatch, error) {
	patch := client.ServerPatch{}
	for name, value := range map[string]any{
		"name": f.name, "address": f.address, "port": f.port, "user": f.user,
		"first-contact": f.firstContact, "jump-host": f.jumpHost,
	} {
		if cmd.Flags().Changed(name) {
			patch[strings.ReplaceAll(name, "-", "_")] = value
		}
	}
	if f.direct {
		patch["jump_host"] = nil
	}
	credential, err := a.credential(f.serverFlags)
	if err != nil {
		return nil, err
	}
	if f.agent {
		patch["credential"] = nil
	} else if credential != nil {
		patch["credential"] = credential
	}
	key, err := a.hostKey(f.serverFlags)
	if err != nil {
		return nil, err
	}
	if f.forgetHostKey {
		patch["host_key"] = nil
	} else if key != "" {
		patch["host_key"] = key
	}
	return patch, f.patchLabels(patch)
}

func (f editFlags) patchLabels(patch client.ServerPatch) error {
	given, err := parseLabels(f.labels)
	if err != nil {
		return err
	}
	labels := map[string]any{}
	for key, value := range given {
		labels[key] = value
	}
	for _, key := range f.removeLabels {
		if _, both := labels[key]; both {
			return usage("the label %s is both given and removed", key)
		}
		labels[key] = nil
	}
	if len(labels) > 0 {
		patch["labels"] = labels
	}
	if len(patch) == 0 {
		return usage("there is nothing to change")
	}
	return nil
}
