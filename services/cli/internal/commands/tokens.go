package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

func (a *app) tokensCommand() *cobra.Command {
	return group("tokens", "API tokens: what machines are known by",
		a.tokensListCommand(), a.tokensCreateCommand(), a.tokensShowCommand(), a.tokensRevokeCommand())
}

func (a *app) tokensListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List API tokens",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			tokens, err := client.Collect(c.Tokens(ctx))
			if err != nil {
				return err
			}
			return a.show(items[client.Token]{tokens}, func() []string { return display.Tokens(tokens, a.color()) })
		}),
	}
}

func (a *app) tokensCreateCommand() *cobra.Command {
	var grants []string
	var t client.TokenCreate
	cmd := &cobra.Command{
		Use:   "create NAME --grant ROLE[:PROJECT]… [--expires-in DURATION]",
		Short: "Make an API token, and show it this once",
		Long: `Make an API token, and show it this once.

A role is viewer, deployer, approver or administrator: over all, or in a project, as deployer:shop.
See docs/access.md for what each may do.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			if len(grants) == 0 {
				return usage("--grant says what the token may do, as --grant deployer:shop")
			}
			t.Name = args[0]
			for _, g := range grants {
				t.Grants = append(t.Grants, client.ParseGrant(g))
			}
			return a.onToken(func(c *client.Client) (client.Token, error) { return c.CreateToken(ctx, t) })
		}),
	}
	cmd.Flags().StringArrayVar(&grants, "grant", nil, "what it may do: ROLE or ROLE:PROJECT; repeat it for more")
	cmd.Flags().StringVar(&t.ExpiresIn, "expires-in", "", "for how long it counts, as 720h (default: for ever)")
	return cmd
}

// onToken does something to a token and shows what it is then.
func (a *app) onToken(do func(*client.Client) (client.Token, error)) error {
	c, err := a.connect(defaultTimeout)
	if err != nil {
		return err
	}
	t, err := do(c)
	if err != nil {
		return err
	}
	return a.show(t, func() []string { return display.Token(t) })
}

func (a *app) tokensShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show what an API token may do, and when it was last seen",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.onToken(func(c *client.Client) (client.Token, error) { return c.Token(ctx, args[0]) })
		}),
	}
}

func (a *app) tokensRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ID",
		Short: "Have an API token count no more",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			if err := c.RevokeToken(ctx, args[0]); err != nil || a.asJSON() {
				return err
			}
			return a.print("Revoked " + display.Clean(args[0]) + ".")
		}),
	}
}

func (a *app) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show who you are to the server, and what you may do",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			who, err := c.WhoAmI(ctx)
			if err != nil {
				return err
			}
			return a.show(who, func() []string { return display.Identity(who) })
		}),
	}
}
