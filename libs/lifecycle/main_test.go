package lifecycle_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycle"
)

// asProgram names the variable by which a test runs this test binary as a
// program of its own: signals, exits and panics need a whole process.
const asProgram = "LIFECYCLE_TEST_PROGRAM"

func TestMain(m *testing.M) {
	program, ok := programs[os.Getenv(asProgram)]
	if !ok {
		os.Exit(m.Run())
	}
	os.Exit(lifecycle.Main(program))
}

var programs = map[string]func(context.Context) error{
	"succeeds": func(context.Context) error { return nil },
	"fails":    func(context.Context) error { return errors.New("no such broker") },
	"stops": func(ctx context.Context) error {
		fmt.Println("running")
		<-ctx.Done()
		return fmt.Errorf("wrapped: %w", ctx.Err())
	},
	"never stops": func(ctx context.Context) error {
		fmt.Println("running")
		<-ctx.Done()
		fmt.Println("stopping")
		select {}
	},
	"panics": func(ctx context.Context) error {
		return lifecycle.Run(ctx,
			lifecycle.Component{Name: "under", Run: func(ctx context.Context, ready func()) error {
				ready()
				<-ctx.Done()
				return nil
			}},
			lifecycle.Component{Name: "broken", Run: goesBoom})
	},
}

func goesBoom(context.Context, func()) error { panic("boom") }

// program is one of programs, running.
type program struct {
	*exec.Cmd
	out    *bufio.Scanner
	stderr *strings.Builder
}

func run(t *testing.T, name string) program {
	t.Helper()
	p := program{Cmd: exec.CommandContext(t.Context(), os.Args[0]), stderr: new(strings.Builder)}
	// The race detector waits a second at each exit unless told not to.
	p.Env = append(os.Environ(), asProgram+"="+name, "GORACE=atexit_sleep_ms=0")
	p.Stderr = p.stderr
	out, err := p.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewScanner(out)
	require.NoError(t, p.Start())
	return p
}

// expect waits for a line of output.
func (p program) expect(t *testing.T, line string) {
	t.Helper()
	require.True(t, p.out.Scan(), "the program ended: %s", p.stderr)
	require.Equal(t, line, p.out.Text())
}

// status waits for the end and returns the exit status.
func (p program) status(t *testing.T) int {
	t.Helper()
	err := p.Wait()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit)
	}
	require.True(t, p.ProcessState.Exited(), "killed by a signal: %s", p.ProcessState)
	return p.ProcessState.ExitCode()
}

func TestMainExitsWithWhatTheProgramReturns(t *testing.T) {
	ok := run(t, "succeeds")
	require.Equal(t, 0, ok.status(t))
	require.Empty(t, ok.stderr.String())

	failed := run(t, "fails")
	require.Equal(t, 1, failed.status(t))
	require.Regexp(t, `^\S+: no such broker\n$`, failed.stderr.String())
}

func TestASignalStopsTheProgramInGoodOrder(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := run(t, "stops")
		p.expect(t, "running")
		require.NoError(t, p.Process.Signal(signal))
		require.Equal(t, 0, p.status(t))
		require.Empty(t, p.stderr.String())
	}
}

func TestASecondSignalExitsAtOnce(t *testing.T) {
	p := run(t, "never stops")
	p.expect(t, "running")
	require.NoError(t, p.Process.Signal(syscall.SIGINT))
	p.expect(t, "stopping")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Equal(t, 128+int(syscall.SIGTERM), p.status(t))
}

func TestAPanicInAComponentEndsTheProcessAndShowsWhere(t *testing.T) {
	p := run(t, "panics")
	require.Equal(t, 2, p.status(t))
	require.Contains(t, p.stderr.String(), "panic: boom")
	require.Contains(t, p.stderr.String(), "goesBoom")
}
