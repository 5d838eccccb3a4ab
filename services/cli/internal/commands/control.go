package commands

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

// controlCommands are the commands that change the course of a deployment.
func (a *app) controlCommands() []*cobra.Command {
	commands := []*cobra.Command{
		a.controlCommand(client.Cancel, "Stop a deployment",
			"Nothing begins any more, and what runs ends between two steps, each host with a complete release."),
		a.controlCommand(client.Pause, "Let nothing of a deployment begin until it is resumed",
			"What runs goes on. 'slipway resume' lets the rest begin."),
		a.controlCommand(client.Resume, "Let a paused deployment go on",
			"Failures so far are accepted: from here on as many may fail as before."),
		a.controlCommand(client.Promote, "Judge a canary good: the rest of the hosts begin",
			"For a deployment that is holding or analyzing. Once traffic has switched to a new set, the old one is kept no longer."),
		a.controlCommand(client.Reject, "Judge a plan, or a canary, bad",
			"A plan that waits for approval is never carried out; of a canary, the other hosts never begin. Once\ntraffic has switched to a new set, it goes back to the old one."),
	}
	return append(commands, a.approveCommand(), a.skipCommand())
}

func (a *app) controlCommand(verb, short, long string) *cobra.Command {
	var with client.Control
	cmd := &cobra.Command{
		Use:   verb + " DEPLOYMENT",
		Short: short,
		Long:  long + "\n\nAsking again for what holds already changes nothing.",
		Args:  cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			return a.control(ctx, args[0], verb, with)
		}),
	}
	cmd.Flags().StringVar(&with.Reason, "reason", "", "why, for people")
	return cmd
}

func (a *app) approveCommand() *cobra.Command {
	var with client.Control
	cmd := &cobra.Command{
		Use:   "approve DEPLOYMENT --digest DIGEST",
		Short: "Approve the plan of a deployment",
		Long: `Approve the plan of a deployment that waits for it. The digest says which plan you
saw: 'slipway deploy --dry-run' and 'slipway status' print it.`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			if !digest.MatchString(with.Digest) {
				return usage("--digest takes 64 hex digits")
			}
			return a.control(ctx, args[0], client.Approve, with)
		}),
	}
	cmd.Flags().StringVar(&with.Digest, "digest", "", "digest of the plan")
	cmd.Flags().StringVar(&with.Reason, "reason", "", "why, for people")
	_ = cmd.MarkFlagRequired("digest")
	return cmd
}

func (a *app) skipCommand() *cobra.Command {
	var hosts client.Skip
	cmd := &cobra.Command{
		Use:   "skip DEPLOYMENT HOST…",
		Short: "Leave hosts out that a deployment has not begun on",
		Long: `Leave hosts out, by name or id. They do not count as failed. Where some have begun
already it is too late for these, and the others are left out all the same.`,
		Args: cobra.MinimumNArgs(2),
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, args []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			hosts.Servers = args[1:]
			done, err := c.Skip(ctx, args[0], hosts)
			if err != nil {
				return err
			}
			return a.show(done, func() []string { return []string{display.Controlled(done)} })
		}),
	}
	cmd.Flags().StringVar(&hosts.Reason, "reason", "", "why, for people")
	return cmd
}

// control asks, and says where the deployment stands then.
func (a *app) control(ctx context.Context, id, verb string, with client.Control) error {
	c, err := a.connect(defaultTimeout)
	if err != nil {
		return err
	}
	done, err := c.Control(ctx, id, verb, with)
	if err != nil {
		return err
	}
	return a.show(done, func() []string { return []string{display.Controlled(done)} })
}
