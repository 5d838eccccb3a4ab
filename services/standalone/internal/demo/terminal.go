package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// commandPatience is how long a command has to end by itself once the demo is interrupted.
const commandPatience = 5 * time.Second

// terminal is where the play is seen. If out is a terminal, so it is for the commands that are shown.
type terminal struct {
	out io.Writer
	bin string // directory of the programs
	dir string // where commands run
	env []string
}

// say writes a paragraph.
func (t *terminal) say(format string, args ...any) error {
	_, err := fmt.Fprintf(t.out, "\n"+format+"\n", args...)
	return err
}

// explain writes a paragraph with commands to follow.
func (t *terminal) explain(format string, args ...any) error { return t.say(format+"\n", args...) }

// echo writes a command as it is typed.
func (t *terminal) echo(words ...string) error {
	_, err := fmt.Fprintln(t.out, "$ "+strings.Join(words, " "))
	return err
}

// slipway types a command, runs it, and requires an exit status.
func (t *terminal) slipway(ctx context.Context, want int, args ...string) error {
	if err := t.echo(append([]string{"slipway"}, args...)...); err != nil {
		return err
	}
	return t.run(ctx, want, t.out, args)
}

// slipwayQuiet is slipway with the output, but for errors, sent to where nobody reads it.
func (t *terminal) slipwayQuiet(ctx context.Context, args ...string) error {
	if err := t.echo(append(append([]string{"slipway"}, args...), ">/dev/null")...); err != nil {
		return err
	}
	return t.run(ctx, succeeded, nil, args)
}

func (t *terminal) run(ctx context.Context, want int, out io.Writer, args []string) error {
	command := exec.CommandContext(ctx, filepath.Join(t.bin, "slipway"), args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = t.dir, t.env, out, t.out
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = commandPatience
	err := command.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("slipway %s: %w", args[0], err)
	}
	if got := command.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("%w %d (not %d) of slipway %s", ErrCommand, got, want, strings.Join(args, " "))
	}
	return nil
}

// cleanEnv is environ for programs that shall know nothing of the user's own Slipway: its settings, its login, its keys.
func cleanEnv(environ []string, dir string) []string {
	own := []string{"HOME=" + dir, "XDG_CONFIG_HOME=" + dir + "/config", "TMPDIR=" + dir}
	env := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return strings.HasPrefix(name, "SLIPWAY_") || name == "SSH_AUTH_SOCK" ||
			slices.ContainsFunc(own, func(o string) bool { return strings.HasPrefix(o, name+"=") })
	})
	return append(env, own...)
}
