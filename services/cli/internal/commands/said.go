package commands

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
	"github.com/slipway-deploy/slipway/services/cli/internal/follow"
	"github.com/slipway-deploy/slipway/services/cli/internal/whole"
)

// maxTail is how many lines the server shows at most as the last ones.
const maxTail = 5000

func (a *app) outputCommand() *cobra.Command {
	var q client.OutputQuery
	var from, to, file string
	var goOn bool
	cmd := &cobra.Command{
		Use:   "output DEPLOYMENT",
		Short: "Show what hooks, restarts and checks said",
		Long: `Show what the hooks, restarts and checks of a deployment wrote to stdout and
stderr on its hosts, each line after its host and step. Words of Slipway's own
begin with a dot.

With --follow, lines are shown as they come until the deployment ends; the exit
status is 1 if it ended without success. With --output json too, each line is a
JSON document on a line of its own.

With --file, what was said by now is written to a file, once all of it is there:
for each line the time, host, step, stream and text, with tabs between them, or with
--output json a JSON document. A file of that name is replaced.`,
		Example: `  slipway output d3v5k1jq0s9c73000007 --on web-1 --step during
  slipway output d3v5k1jq0s9c73000007 --level error --from 10m
  slipway output d3v5k1jq0s9c73000007 --tail 20 --follow
  slipway output d3v5k1jq0s9c73000007 --file shop.log`,
		Args: cobra.ExactArgs(1),
		RunE: a.run(func(ctx context.Context, cmd *cobra.Command, args []string) error {
			if err := readSpan(&q, from, to, time.Now()); err != nil {
				return err
			}
			if cmd.Flags().Changed("tail") && (q.Tail < 1 || q.Tail > maxTail) {
				return usage("--tail must be between 1 and %d, not %d", maxTail, q.Tail)
			}
			if file != "" {
				if goOn {
					return usage("--file takes what was said by now: it does not go with --follow")
				}
				return a.saveOutput(ctx, args[0], q, file)
			}
			if goOn {
				return a.followOutput(ctx, args[0], q)
			}
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			said := []client.OutputLine{}
			_, err = follow.SaidSoFar(ctx, c, args[0], q, "", func(lines []client.OutputLine) error {
				if !a.asJSON() {
					return a.print(display.Output(lines, a.color())...)
				}
				said = append(said, lines...)
				return nil
			})
			if err != nil || !a.asJSON() {
				return err
			}
			return a.document(items[client.OutputLine]{said})
		}),
	}
	cmd.Flags().StringVar(&q.Server, "on", "", "name or id of a host")
	cmd.Flags().StringVar(&q.Step, "step", "", "only this step, such as before, during, restart, check or after")
	cmd.Flags().StringVar(&q.Stream, "stream", "", "only this: stdout, stderr, or slipway for its own words")
	cmd.Flags().StringVar(&q.Level, "level", "", "only this: info, warn where something is missing, error where what ran has failed")
	cmd.Flags().StringVar(&from, "from", "", "only what was said from then on: a day, a time as 2026-03-01T12:00:00Z, or how long ago, such as 10m")
	cmd.Flags().StringVar(&to, "to", "", "only what was said before that")
	cmd.Flags().IntVar(&q.Tail, "tail", 0, "only the last so many lines, and with --follow what comes after them")
	cmd.Flags().StringVar(&file, "file", "", "write it to this file")
	cmd.Flags().BoolVarP(&goOn, "follow", "f", false, "go on until the deployment ends")
	return cmd
}

// readSpan takes the times between which something was said.
func readSpan(q *client.OutputQuery, from, to string, now time.Time) (err error) {
	if q.From, err = parseMoment(from, now); err != nil {
		return usage("--from %s", err)
	}
	if q.To, err = parseMoment(to, now); err != nil {
		return usage("--to %s", err)
	}
	return nil
}

func (a *app) saveOutput(ctx context.Context, id string, q client.OutputQuery, file string) error {
	c, err := a.connect(defaultTimeout)
	if err != nil {
		return err
	}
	format := "text"
	if a.asJSON() {
		format = "ndjson"
	}
	return whole.File(file, func(w io.Writer) error { return c.DownloadOutput(ctx, id, q, format, w) })
}

func (a *app) followOutput(ctx context.Context, id string, q client.OutputQuery) error {
	o := a.outage()
	c, err := a.stay(o)
	if err != nil {
		return err
	}
	end, err := follow.Output(ctx, c, id, q, func(lines []client.OutputLine) error {
		o.over()
		if !a.asJSON() {
			return a.print(display.Output(lines, a.color())...)
		}
		for _, l := range lines {
			if err := a.encode(l, ""); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, failure(end))
}
