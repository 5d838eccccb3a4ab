package commands

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// importTimeout is how long thousands of hosts may take to get their keys.
const importTimeout = 2 * time.Minute

func (a *app) serversImportKeysCommand() *cobra.Command {
	var wanted client.KnownHosts
	cmd := &cobra.Command{
		Use:   "import-keys FILE",
		Short: "Take the keys of hosts from a known_hosts",
		Long: `Give each host the keys that a known_hosts has for its address, or else for its
name: host keys, authorities (@cert-authority) and revoked keys (@revoked). FILE
may be - for standard input. A host that has another key of the same type keeps
it, unless --replace is given.`,
		Example: `  slipway servers import-keys ~/.ssh/known_hosts --dry-run`,
		Args:    cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			var err error
			if wanted.KnownHosts, err = a.content(args[0]); err != nil {
				return err
			}
			c, err := a.connect(importTimeout)
			if err != nil {
				return err
			}
			came, err := c.ImportKnownHosts(ctx, wanted)
			if err != nil {
				return err
			}
			return a.show(came, func() []string { return display.ImportedKeys(came, a.color()) })
		}),
	}
	cmd.Flags().BoolVar(&wanted.Replace, "replace", false, "keys of the file take the place of those that are known")
	cmd.Flags().BoolVar(&wanted.DryRun, "dry-run", false, "say what it would come to, and change nothing")
	return cmd
}

// content is all that a file holds; - is standard input.
func (a *app) content(path string) (string, error) {
	var (
		raw []byte
		err error
	)
	if path == "-" {
		raw, err = io.ReadAll(a.in)
	} else {
		raw, err = os.ReadFile(path)
	}
	if err != nil {
		return "", usageError{err}
	}
	return string(raw), nil
}
