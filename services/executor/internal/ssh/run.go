package ssh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	gossh "golang.org/x/crypto/ssh"
)

// Command is one command line for the host's shell.
type Command struct {
	// Line is given to the login shell of the user. Quoting is up to whoever builds it.
	Line string
	// Stdin is what the command reads; nil means nothing. If it fails, the command is killed before its input ends, for
	// it must not take a part for the whole. That is the most that can be done from here, and it fails where the
	// connection breaks or the host ignores signals, as OpenSSH does for root: what comes in must be verified there.
	// A Read that is under way when Run returns is left to end by itself; Stdin is not used after it.
	Stdin io.Reader
	// Stdout is called for each line that the command writes, as it arrives, without its newline and otherwise as it
	// came; nil drops them. What a line has beyond MaxLine bytes is dropped. Calls do not overlap, and there are none
	// after Run has returned. While a call lasts, the command's output waits.
	Stdout func(line string)
	// Stderr is the same for what the command writes there, besides Result.Stderr. Its calls and those of Stdout may
	// overlap. Text is as Result.Stderr has it.
	Stderr func(line string)
	// MaxStderr bounds Result.Stderr, in bytes. Default 8 KiB.
	MaxStderr int
	// Mark is the last line that Stdout or Stderr is called for: what follows it on its stream goes to Out or Err as it
	// comes, in writes of any size, and not into Result. The rules are those of Stdout. Empty: there is no such line.
	Mark     string
	Out, Err io.Writer
}

// MaxLine is how many bytes of a line of output are kept.
const MaxLine = 64 << 10

// Result is how a command ended.
type Result struct {
	ExitStatus int    // 128 and above, as a shell counts it, if a signal ended the command
	Signal     string // the signal that ended the command, e.g. "KILL"; empty if none did
	// Stderr is the end of what the command wrote there: valid UTF-8 without control characters but newline and tab.
	// It begins with "…" if something was left out.
	Stderr string
}

// Run runs one command and returns when it has ended and its output is read. An exit status other than 0 is no error.
//
// Errors are ErrRefused, ErrStalled and ErrConnectionLost, that of Command.Stdin, or ctx's: when ctx ends, Run returns
// at once, while the command is sent SIGKILL and its channel is closed behind it. After any error the command may still
// be running. Result then holds only what came of Stderr until that moment.
func (c *Client) Run(ctx context.Context, cmd Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if err := c.enter(); err != nil {
		return Result{}, err
	}
	x := &execution{
		client: c,
		stdout: &lineWriter{emit: cmd.Stdout, mark: cmd.Mark, rest: cmd.Out},
		tail:   &tailWriter{limit: cmp.Or(cmd.MaxStderr, 8<<10)},
	}
	x.stderr = &lineWriter{mark: cmd.Mark, rest: cmd.Err, copy: x.tail}
	if cmd.Stderr != nil {
		x.stderr.emit = func(line string) { cmd.Stderr(Harmless(line)) }
	}
	done := make(chan error, 1)
	go func() {
		err := x.run(ctx, cmd)
		c.leave() // first: whoever learns that it is over finds the connection idle
		done <- err
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
	}
	x.stdout.stop()
	x.stderr.stop()
	if ended := ctx.Err(); ended != nil {
		err = ended
	}
	if err != nil {
		return Result{Stderr: x.tail.text()}, err
	}
	x.result.Stderr = x.tail.text()
	return x.result, nil
}

// execution is one command in its channel.
type execution struct {
	client *Client
	stdout *lineWriter
	stderr *lineWriter
	tail   *tailWriter // the end of stderr
	result Result      // set by run, if it returns nil
}

// run goes through the life of the channel. It may outlast Run, by as much as the host takes to answer.
func (x *execution) run(parent context.Context, cmd Command) error {
	session, err := x.client.conn.NewSession()
	if err != nil {
		return x.openError(err)
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	x.client.tasks.Go(func() {
		// Both are no-ops once the command has ended by itself. To a host that does not read they may wait, until
		// keepAlive gives it up.
		<-ctx.Done()
		_ = session.Signal(gossh.SIGKILL)
		_ = session.Close()
	})

	session.Stdout, session.Stderr = x.stdout, x.stderr
	stdin, err := session.StdinPipe()
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := session.Start(cmd.Line); err != nil {
		return x.startError(err)
	}
	go copyInput(ctx, cancel, stdin, cmd.Stdin)
	err = session.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return x.finish(err)
}

// finish turns the end of a session into a result.
func (x *execution) finish(err error) error {
	var exit *gossh.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		x.result.ExitStatus = exit.ExitStatus()
		x.result.Signal = Harmless(exit.Signal())
	default:
		return x.client.lost()
	}
	x.stdout.flush()
	x.stderr.flush()
	return nil
}

func (x *execution) openError(err error) error {
	var refused *gossh.OpenChannelError
	if errors.As(err, &refused) {
		return fmt.Errorf("%w: no session could be opened", ErrRefused)
	}
	return x.client.lost()
}

// startError tells a host that says no from one that is gone. The library has no error of its own for the first, and
// its text quotes the command line; but it reports the second as the end of the channel.
func (x *execution) startError(err error) error {
	if errors.Is(err, io.EOF) || x.client.wire.failure() != nil {
		return x.client.lost()
	}
	return fmt.Errorf("%w: it does not start commands", ErrRefused)
}

// copyInput feeds the command. That the command stops reading is no failure: its exit status tells what it meant.
func copyInput(ctx context.Context, cancel context.CancelCauseFunc, stdin io.WriteCloser, source io.Reader) {
	if source != nil {
		input := &inputReader{ctx: ctx, source: source}
		_, _ = io.Copy(stdin, input)
		if input.failure != nil {
			cancel(fmt.Errorf("read the command's input: %w", input.failure))
		}
		if ctx.Err() != nil {
			return // without closing stdin: its end would tell the command that it has all
		}
	}
	_ = stdin.Close()
}

// inputReader tells a source that fails from a command that stops reading, and leaves the source alone once the command
// has ended.
type inputReader struct {
	ctx     context.Context
	source  io.Reader
	failure error
}

func (r *inputReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, io.EOF
	}
	n, err := r.source.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.failure = err
	}
	return n, err
}
