package ssh

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	gossh "golang.org/x/crypto/ssh"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

func TestCommandEnds(t *testing.T) {
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	for _, test := range []struct {
		line string
		want Result
	}{
		{"true", Result{}},
		{"exit 3", Result{ExitStatus: 3}},
		{"echo why >&2; exit 1", Result{ExitStatus: 1, Stderr: "why\n"}},
		{"kill -KILL $$", Result{ExitStatus: 137, Signal: "KILL"}},
		{"no-such-command 2>/dev/null", Result{ExitStatus: 127}},
		{`printf 'a\033[31mred\r\nb\rc\0d\377\342\200\256e\tf' >&2`, Result{Stderr: "a\uFFFD[31mred\nb\nc\uFFFDd\uFFFD\uFFFDe\tf"}},
	} {
		result, err := client.Run(t.Context(), Command{Line: test.line})
		require.NoError(t, err, test.line)
		require.Equal(t, test.want, result, test.line)
	}
}

func TestStdoutComesLineByLineAsItIsWritten(t *testing.T) {
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	answers, questions := io.Pipe()
	defer questions.Close()
	var lines []string
	_, err := client.Run(t.Context(), Command{
		Line:  "echo one; read x; echo got $x; read y; printf 'last %s' $y",
		Stdin: answers,
		Stdout: func(line string) {
			lines = append(lines, line)
			// The command waits for an answer to this very line, so it must have arrived before the command's end.
			go func() { _, _ = questions.Write([]byte(strconv.Itoa(len(lines)) + "\n")) }()
		},
	})
	require.NoError(t, err)
	require.Equal(t, []string{"one", "got 1", "last 2"}, lines)
}

func TestAfterAMarkAStreamIsSomebodyElses(t *testing.T) {
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	for _, rest := range []string{"", "a", "b\r\nmark\n\n", strings.Repeat("x", 3*MaxLine) + "\n"} {
		var lines, complaints []string
		var out, errors bytes.Buffer
		result, err := client.Run(t.Context(), Command{
			Line:  "echo ours; echo mark; printf 'too\\nma' >&2; printf 'rk\\n' >&2; cat; echo theirs >&2; exit 3",
			Stdin: strings.NewReader(rest), Mark: "mark", Out: &out, Err: &errors,
			Stdout: func(l string) { lines = append(lines, l) },
			Stderr: func(l string) { complaints = append(complaints, l) },
		})
		require.NoError(t, err)
		require.Equal(t, 3, result.ExitStatus)
		require.Equal(t, []string{"ours", "mark"}, lines)
		require.Equal(t, []string{"too", "mark"}, complaints)
		require.Equal(t, rest, out.String())
		require.Equal(t, "theirs\n", errors.String())
		require.NotContains(t, result.Stderr, "theirs")
	}
}

func TestTenMegabytesThroughStdin(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	data := make([]byte, 10<<20)
	_, _ = rand.Read(data)
	sum := sha256.Sum256(data)
	var line string
	result, err := client.Run(t.Context(), Command{
		Line: "sha256sum", Stdin: bytes.NewReader(data), Stdout: func(l string) { line = l },
	})
	require.NoError(t, err)
	require.Zero(t, result.ExitStatus)
	require.Equal(t, hex.EncodeToString(sum[:])+"  -", line)
}

func TestExitStatusCountsIfTheCommandStopsReading(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	result, err := client.Run(t.Context(), Command{Line: "head -c 1000 >/dev/null; exit 4", Stdin: endless{}})
	require.NoError(t, err)
	require.Equal(t, 4, result.ExitStatus)
}

func TestCommandEndsThoughItsInputNeverComes(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	input, writer := io.Pipe()
	defer writer.Close()
	result, err := client.Run(t.Context(), Command{Line: "exit 5", Stdin: input})
	require.NoError(t, err)
	require.Equal(t, 5, result.ExitStatus)
}

func TestCancelledCommandEndsAndTheConnectionStays(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var pid int
	_, err := client.Run(ctx, Command{Line: "echo $$; cat >/dev/null", Stdin: endless{}, Stdout: func(line string) {
		pid, _ = strconv.Atoi(line)
		cancel()
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, IsTransient(err))
	require.NotZero(t, pid)
	require.Eventually(t, func() bool {
		result, err := client.Run(t.Context(), Command{Line: "kill -0 " + strconv.Itoa(pid)})
		return err == nil && result.ExitStatus != 0
	}, patience, 10*time.Millisecond)
}

// Against a server in the process, because OpenSSH ignores the signal if root logs in.
func TestInputThatBreaksOffKillsTheCommandBeforeItsInputEnds(t *testing.T) {
	broken := errors.New("the store is gone")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		rest io.Reader
		want error
	}{
		"the source fails": {t.Context(), failing{broken}, broken},
		"the context ends": {ctx, readerFunc(cancel), context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			expectNoLeaks(t)
			seen := make(chan string, 1)
			client := anyoneServer(t, func(c gossh.NewChannel) {
				channel, requests, err := c.Accept()
				if err != nil {
					return
				}
				_ = (<-requests).Reply(true, nil)
				_, _ = io.Copy(io.Discard, channel)
				select {
				case request := <-requests:
					seen <- request.Type + string(request.Payload[4:])
				default:
					seen <- "end of input"
				}
				_ = channel.Close()
			})
			_, err := client.Run(test.ctx, Command{Line: "cat", Stdin: io.MultiReader(strings.NewReader("half"), test.rest)})
			require.ErrorIs(t, err, test.want)
			require.False(t, IsTransient(err))
			require.Equal(t, "signalKILL", <-seen)
		})
	}
}

func TestOutputIsBounded(t *testing.T) {
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	var lengths []int
	result, err := client.Run(t.Context(), Command{
		Line:      "head -c 200000 /dev/zero | tr '\\0' x; echo; echo next; yes error | head -c 3000000 >&2",
		Stdout:    func(line string) { lengths = append(lengths, len(line)) },
		MaxStderr: 1000,
	})
	require.NoError(t, err)
	require.Equal(t, []int{MaxLine, len("next")}, lengths)
	require.LessOrEqual(t, len(result.Stderr), 1000)
	require.Greater(t, len(result.Stderr), 900)
	require.True(t, strings.HasPrefix(result.Stderr, "…"))
	require.True(t, strings.HasSuffix(result.Stderr, "error\nerror\n"))
}

func TestOneConnectionCarriesManyCommandsAtOnce(t *testing.T) {
	expectNoLeaks(t)
	client := open(t, target(hosttest.Start(t, 1)[0]), Options{})
	const commands = 20
	errs, lines := make([]error, commands), make([]string, commands)
	var wg sync.WaitGroup
	for i := range commands {
		wg.Go(func() {
			_, errs[i] = client.Run(t.Context(), Command{
				Line: "cat", Stdin: strings.NewReader(strconv.Itoa(i)), Stdout: func(l string) { lines[i] = l },
			})
		})
	}
	wg.Wait()
	for i := range commands {
		require.NoError(t, errs[i])
		require.Equal(t, strconv.Itoa(i), lines[i])
	}
}

func TestRefusalIsNoTransportFailure(t *testing.T) {
	for reason, answer := range map[string]func(gossh.NewChannel){
		"command refused by the host: no session could be opened": func(c gossh.NewChannel) {
			_ = c.Reject(gossh.Prohibited, "secret")
		},
		"command refused by the host: it does not start commands": func(c gossh.NewChannel) {
			if channel, requests, err := c.Accept(); err == nil {
				gossh.DiscardRequests(requests) // says no to each, and ends with the channel
				_ = channel.Close()
			}
		},
	} {
		_, err := anyoneServer(t, answer).Run(t.Context(), Command{Line: "secret"})
		require.ErrorIs(t, err, ErrRefused)
		require.EqualError(t, err, reason)
		require.False(t, IsTransient(err))
	}
}

func TestSessionThatEndsWithoutAStatusIsLost(t *testing.T) {
	client := anyoneServer(t, func(c gossh.NewChannel) {
		channel, requests, err := c.Accept()
		if err == nil {
			_ = (<-requests).Reply(true, nil)
			_ = channel.Close()
			gossh.DiscardRequests(requests)
		}
	})
	_, err := client.Run(t.Context(), Command{Line: "true"})
	require.ErrorIs(t, err, ErrConnectionLost)
}

func TestTailOfStderrIsValidWhereverItIsCut(t *testing.T) {
	for limit := 10; limit < 30; limit++ {
		w := &tailWriter{limit: limit}
		for range 50 {
			_, _ = w.Write([]byte("äöü€\x1b"))
		}
		require.True(t, utf8.ValidString(w.text()))
		require.LessOrEqual(t, len(w.text()), limit)
		require.True(t, strings.HasSuffix(w.text(), "\uFFFD"))
	}
}

// anyoneServer is a client of a server that lets everybody in and answers each session with open.
func anyoneServer(t *testing.T, answer func(gossh.NewChannel)) *Client {
	t.Helper()
	return open(t, serveSSH(t, &gossh.ServerConfig{
		PasswordCallback: func(gossh.ConnMetadata, []byte) (*gossh.Permissions, error) { return nil, nil },
	}, answer), Options{})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// readerFunc is called at each Read, and there is always more.
type readerFunc func()

func (f readerFunc) Read(p []byte) (int, error) {
	f()
	return len(p), nil
}
