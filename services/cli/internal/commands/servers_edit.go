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
	forgetHostCA  bool
	forgetRevoked bool
	modern        bool
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
			return a.showServer(ctx, c, server)
		}),
	}
	f.register(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.agent, "agent", false, "drop the credential: the SSH agent of the executor logs in")
	flags.BoolVar(&f.forgetHostKey, "forget-host-key", false, "drop the host keys that are known")
	flags.BoolVar(&f.forgetHostCA, "forget-host-ca", false, "drop the authorities that are known")
	flags.BoolVar(&f.forgetRevoked, "forget-revoked-keys", false, "drop the keys that are refused")
	cmd.MarkFlagsMutuallyExclusive("forget-host-ca", "host-ca-file")
	cmd.MarkFlagsMutuallyExclusive("forget-revoked-keys", "revoked-keys-file")
	flags.BoolVar(&f.modern, "no-legacy-algorithms", false, "agree on nothing weak from now on")
	cmd.MarkFlagsMutuallyExclusive("no-legacy-algorithms", "legacy-algorithms")
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
		"first-contact": f.firstContact, "jump-host": f.jumpHost, "legacy-algorithms": f.legacy,
	} {
		if cmd.Flags().Changed(name) {
			patch[strings.ReplaceAll(name, "-", "_")] = value
		}
	}
	if f.modern {
		patch["legacy_algorithms"] = nil
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
	if err := a.patchKeys(patch, f); err != nil {
		return nil, err
	}
	if err := patchLabels(patch, f.labels, f.removeLabels); err != nil {
		return nil, err
	}
	if len(patch) == 0 {
		return nil, usage("there is nothing to change")
	}
	return patch, nil
}

// patchKeys says by which keys the host is to be known.
func (a *app) patchKeys(patch client.ServerPatch, f editFlags) error {
	key, err := a.hostKey(f.serverFlags)
	if err != nil {
		return err
	}
	authorities, err := a.keysOf(f.hostCAFile)
	if err != nil {
		return err
	}
	revoked, err := a.keysOf(f.revokedFile)
	if err != nil {
		return err
	}
	for _, keys := range []struct {
		field  string
		forget bool
		given  string
	}{
		{"host_key", f.forgetHostKey, key}, {"host_ca", f.forgetHostCA, authorities}, {"revoked_keys", f.forgetRevoked, revoked},
	} {
		if keys.forget {
			patch[keys.field] = nil
		} else if keys.given != "" {
			patch[keys.field] = keys.given
		}
	}
	return nil
}

// patchLabels says which labels there are to be, and which no more.
func patchLabels(patch map[string]any, pairs, remove []string) error {
	given, err := parseLabels(pairs)
	if err != nil {
		return err
	}
	labels := map[string]any{}
	for key, value := range given {
		labels[key] = value
	}
	for _, key := range remove {
		if _, both := labels[key]; both {
			return usage("the label %s is both given and removed", key)
		}
		labels[key] = nil
	}
	if len(labels) > 0 {
		patch["labels"] = labels
	}
	return nil
}
