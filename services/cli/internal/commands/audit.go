package commands

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/services/cli/internal/client"
	"github.com/slipway-deploy/slipway/services/cli/internal/display"
)

const (
	shownEntries = 50
	maxEntry     = 1 << 20 // bytes of a line of an exported log; entries are far shorter
)

func (a *app) auditCommand() *cobra.Command {
	var q client.AuditQuery
	var from, to string
	var limit int
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who asked for what, and what became of it",
		Long: `Show the audit log: every call that may change something, and every one that was
refused for who asked. What is changed has two entries: that it was asked for, which
is stored before anything is changed, and what became of it. See docs/audit.md.`,
		Example: `  slipway audit --actor ci --from 24h
  slipway audit --action 'deployments.*' --outcome refused
  slipway audit --object d3v5k1jq0s9c73a1b2c0`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) (err error) {
			if limit < 1 {
				return usage("--limit must be at least 1, not %d", limit)
			}
			if q.From, err = moment("--from", from); err != nil {
				return err
			}
			if q.To, err = moment("--to", to); err != nil {
				return err
			}
			return a.showAudit(ctx, q, limit)
		}),
	}
	flags := cmd.Flags()
	flags.StringVar(&q.Actor, "actor", "", "only what this one asked for: name or id")
	flags.StringVar(&q.Action, "action", "", "only this action, as deployments.create, or all that begin so, as deployments.*")
	flags.StringVar(&q.Object, "object", "", "only what is about this: an id, or a kind as server")
	flags.StringVar(&q.Outcome, "outcome", "", "only what was asked, accepted, refused or failed")
	flags.StringVar(&from, "from", "", "only from this moment on: 2026-11-22T01:30:00Z, or 24h for that long ago")
	flags.StringVar(&to, "to", "", "only before this moment")
	flags.BoolVar(&q.Oldest, "oldest", false, "the oldest first")
	flags.IntVar(&limit, "limit", shownEntries, "how many to show at most")
	cmd.AddCommand(a.auditVerifyCommand(), a.auditExportCommand())
	return cmd
}

// moment reads a moment, or how long ago it is; the zero time: none is given.
func moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, usage("%s must be a time as 2026-11-22T01:30:00Z, or how long ago as 24h, not %q", flag, text)
	}
	return at, nil
}

func (a *app) showAudit(ctx context.Context, q client.AuditQuery, limit int) error {
	c, err := a.connect(defaultTimeout)
	if err != nil {
		return err
	}
	lines, entries := []json.RawMessage{}, []audit.Entry{}
	for line, err := range c.Audit(ctx, q, limit) {
		if err != nil {
			return err
		}
		var e audit.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("%w: 'slipway audit verify' says where", audit.ErrFormat)
		}
		lines, entries = append(lines, line), append(entries, e)
		if len(entries) == limit {
			break
		}
	}
	return a.show(items[json.RawMessage]{lines}, func() []string { return display.Audit(entries, a.color()) })
}

func (a *app) auditExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export",
		Short: "Write the audit log to standard output, oldest first, a line of JSON for each entry",
		Example: `  slipway audit export > audit.jsonl
  slipway audit verify --file audit.jsonl`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			c, err := a.connect(defaultTimeout)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(a.out)
			for line, err := range c.Audit(ctx, client.AuditQuery{Oldest: true}, client.PageLimit) {
				if err != nil {
					return err
				}
				_, _ = out.Write(append(display.CleanJSON(line), '\n')) // Flush says what went wrong
			}
			return out.Flush()
		}),
	}
}

func (a *app) auditVerifyCommand() *cobra.Command {
	var file, noted string
	cmd := &cobra.Command{
		Use:   "verify [--file FILE] [--head SEQ:HASH]",
		Short: "Prove that no entry of the audit log was changed, removed or moved",
		Long: `Read the audit log from its first entry to its last, compute every hash anew, and name
the first entry that is not as it was written. It exits with 0 where the log is whole,
and with 1 where it is not.

A log whose end was cut off is whole for all that can be seen of it. So note the head
that a verification ends with, somewhere else, and give it to the next one.`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ *cobra.Command, _ []string) error {
			var head *audit.Head
			if noted != "" {
				h, err := audit.ParseHead(noted)
				if err != nil {
					return usageError{fmt.Errorf("--head: %w", err)}
				}
				head = &h
			}
			entries, err := a.auditEntries(ctx, file)
			if err != nil {
				return err
			}
			found, err := audit.Verify(entries, head)
			if err != nil {
				return err
			}
			if err := a.show(found, func() []string { return display.Verified(found) }); err != nil {
				return err
			}
			if found.Flaw != nil {
				return errFailed
			}
			return nil
		}),
	}
	cmd.Flags().StringVar(&file, "file", "", "a log that was exported, instead of the server's; - is standard input")
	cmd.Flags().StringVar(&noted, "head", "", "an entry that the log is known to have had, as an earlier verification ended with")
	return cmd
}

// auditEntries returns the log of the server, or of a file.
func (a *app) auditEntries(ctx context.Context, file string) (iter.Seq2[[]byte, error], error) {
	switch file {
	case "":
		c, err := a.connect(defaultTimeout)
		if err != nil {
			return nil, err
		}
		return c.Audit(ctx, client.AuditQuery{Oldest: true}, client.PageLimit), nil
	case "-":
		return linesOf(a.in, func() {}), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, usageError{err}
	}
	return linesOf(f, func() { f.Close() }), nil
}

// linesOf yields the lines of a file, and calls done after the last.
func linesOf(r io.Reader, done func()) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		defer done()
		scanner := bufio.NewScanner(r)
		scanner.Buffer(nil, maxEntry)
		for scanner.Scan() {
			if !yield(bytes.Clone(scanner.Bytes()), nil) {
				return
			}
		}
		if err := scanner.Err(); err != nil {
			yield(nil, usageError{err})
		}
	}
}
