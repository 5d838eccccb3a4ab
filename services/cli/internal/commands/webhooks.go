package commands

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// testFor is how long 'webhooks test' waits: longer than a receiver is given.
const testFor = 30 * time.Second

func (a *app) webhooksCommand() *cobra.Command {
	return group("webhooks", "Who is told of events, and what becomes of that",
		a.webhooksListCommand(), a.webhooksAddCommand(), a.webhooksShowCommand(), a.webhooksRemoveCommand(),
		a.webhooksPauseCommand(), a.webhooksResumeCommand(), a.webhooksTestCommand(), a.webhooksRotateCommand(),
		a.deliveriesCommand(), a.replayCommand())
}

func (a *app) webhooksListCommand() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List webhooks",
		Args:  cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			hooks, err := client.Collect(c.Webhooks(ctx, state))
			if err != nil {
				return err
			}
			return a.show(items[client.Webhook]{hooks}, func() []string { return display.Webhooks(hooks, c.Now(), a.color()) })
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "only those that are active, paused or disabled")
	return cmd
}

func (a *app) webhooksAddCommand() *cobra.Command {
	var w client.WebhookCreate
	var secretFrom string
	cmd := &cobra.Command{
		Use:   "add URL [--event TYPE]…",
		Short: "Have events sent to a URL",
		Long: `Have events sent to a URL, signed as Standard Webhooks says. The secret that they are
signed with is shown this once, unless you give one.

Types are deployment.failed, host.failed, webhook.paused and so on, or all of a kind:
deployment.* (which is meant without --event), host.*, webhook.*, *. See docs/webhooks.md.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			w.URL = args[0]
			if err := a.takeSecret(secretFrom, &w.Secret); err != nil {
				return err
			}
			return a.onWebhook(func(c *client.Client) (client.Webhook, error) { return c.AddWebhook(ctx, w) })
		}),
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&w.Events, "event", nil, "type of events; repeat it for more")
	flags.StringArrayVar(&w.Projects, "project", nil, "only events of this project; repeat it for more")
	flags.StringArrayVar(&w.Applications, "application", nil, "only events of this application; repeat it for more")
	flags.StringVar(&w.Description, "description", "", "what it is for")
	secretFlag(cmd, &secretFrom)
	return cmd
}

func secretFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "secret-file", "", "file with the secret to sign with, whsec_…; - is standard input (default: one is made)")
}

func (a *app) takeSecret(path string, into *string) error {
	if err := a.onlyOneInput(path); err != nil {
		return err
	}
	return a.readSecrets(secretFile{path: path, into: into})
}

// onWebhook does something to a webhook and shows what it is then.
func (a *app) onWebhook(do func(*client.Client) (client.Webhook, error)) error {
	c, err := a.connect(defaultTimeout)
	if err != nil {
		return err
	}
	w, err := do(c)
	if err != nil {
		return err
	}
	return a.show(w, func() []string { return display.Webhook(w, c.Now()) })
}

func (a *app) webhooksShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a webhook; the id of a deployment is its callback",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.onWebhook(func(c *client.Client) (client.Webhook, error) { return c.Webhook(ctx, args[0]) })
		}),
	}
}

func (a *app) webhooksRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "Send nothing more to a webhook, and forget it with its deliveries",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			if err := c.RemoveWebhook(ctx, args[0]); err != nil || a.asJSON() {
				return err
			}
			return a.print("Removed " + display.Clean(args[0]) + ".")
		}),
	}
}

func (a *app) webhooksPauseCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "pause ID",
		Short: "Have events wait that are for a webhook",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.onWebhook(func(c *client.Client) (client.Webhook, error) { return c.PauseWebhook(ctx, args[0], reason) })
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why, for people")
	return cmd
}

func (a *app) webhooksResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume ID",
		Short: "Send to a webhook again, whoever or whatever stopped it",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.onWebhook(func(c *client.Client) (client.Webhook, error) { return c.ResumeWebhook(ctx, args[0]) })
		}),
	}
}

func (a *app) webhooksRotateCommand() *cobra.Command {
	var secretFrom, overlap string
	cmd := &cobra.Command{
		Use:   "rotate ID",
		Short: "Sign with another secret, for a while with the one before as well",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			var secret string
			if err := a.takeSecret(secretFrom, &secret); err != nil {
				return err
			}
			return a.onWebhook(func(c *client.Client) (client.Webhook, error) { return c.RotateWebhook(ctx, args[0], secret, overlap) })
		}),
	}
	cmd.Flags().StringVar(&overlap, "overlap", "", "how long both count, 0s to 168h (default: 24h)")
	secretFlag(cmd, &secretFrom)
	return cmd
}

func (a *app) webhooksTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test ID",
		Short: "Send an event without meaning, once, and show how that went",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			d, err := c.TestWebhook(ctx, args[0])
			if err != nil {
				return err
			}
			if d, err = c.AwaitDelivery(ctx, args[0], d, testFor); err != nil {
				return err
			}
			if err := a.show(d, func() []string { return display.Delivery(d) }); err != nil {
				return err
			}
			if d.State != client.DeliveryDelivered {
				return errFailed
			}
			return nil
		}),
	}
}

func (a *app) deliveriesCommand() *cobra.Command {
	var state string
	cmd := &cobra.Command{
		Use:   "deliveries ID [DELIVERY]",
		Short: "Show what was sent to a webhook and what waits, or one delivery",
		Args:  cobra.RangeArgs(1, 2),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				d, err := c.Delivery(ctx, args[0], args[1])
				if err != nil {
					return err
				}
				return a.show(d, func() []string { return display.Delivery(d) })
			}
			found, err := client.Collect(c.Deliveries(ctx, args[0], state))
			if err != nil {
				return err
			}
			return a.show(items[client.Delivery]{found}, func() []string { return display.Deliveries(found, a.color()) })
		}),
	}
	cmd.Flags().StringVar(&state, "state", "", "only those that are waiting, delivered or dead")
	return cmd
}

func (a *app) replayCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "replay ID DELIVERY…",
		Short: "Send again what was delivered or is dead, with the ids that they had",
		Args:  cobra.MinimumNArgs(2),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			var again []client.Delivery
			for _, id := range args[1:] {
				d, err := c.Replay(ctx, args[0], id)
				if err != nil {
					return err
				}
				again = append(again, d)
			}
			return a.show(items[client.Delivery]{again}, func() []string {
				return []string{"Sending again: " + display.Clean(strings.Join(args[1:], ", ")) + "."}
			})
		}),
	}
}
