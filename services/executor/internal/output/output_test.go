package output

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
)

// lines cuts what is written in these pieces.
func lines(pieces ...string) []string {
	var got []string
	c := &cutter{emit: func(text string) { got = append(got, text) }, last: func() int { return 0 }}
	for _, p := range pieces {
		_, _ = c.Write([]byte(p))
	}
	_ = c.Close()
	return got
}

func TestAStreamIsCutIntoLines(t *testing.T) {
	long := strings.Repeat("ü", maxLine)
	for name, c := range map[string]struct {
		said string
		want []string
	}{
		"nothing":                 {"", nil},
		"no newline at the end":   {"a\nb", []string{"a", "b"}},
		"empty lines":             {"\n\na\n", []string{"", "", "a"}},
		"of windows":              {"a\r\nb\r\r\n", []string{"a", "b"}},
		"a progress bar":          {"10%\r50%\r100%\ndone\n", []string{"100%", "done"}},
		"one that goes on":        {"10%\r50%\r", []string{"50%"}},
		"colours":                 {"\x1b[1;31mred\x1b[0m \x1b]0;title\x07x\x1b[K\n", []string{"red x"}},
		"what steers a terminal":  {"a\x1bcb\x00\u202e\n", []string{"a\uFFFDcb\uFFFD\uFFFD"}},
		"broken UTF-8":            {"a\xff\xfeb\n\xc3", []string{"a\uFFFDb", "\uFFFD"}},
		"a tab":                   {"a\tb\n", []string{"a\tb"}},
		"a long line":             {long + "\nb\n", []string{strings.Repeat("ü", maxLine/2) + "… (4096 bytes more)", "b"}},
		"a long one of bad bytes": {strings.Repeat("\xff\n", 2) + strings.Repeat("\xffa", 2000) + "\n", []string{"\uFFFD", "\uFFFD", strings.Repeat("\uFFFDa", 1024) + "… (3904 bytes more)"}},
		"our own protocol":        {"slipway task\nslipway end\nslipway over 0\n", []string{"slipway task", "slipway end", "slipway over 0"}},
	} {
		require.Equal(t, c.want, lines(c.said), name)
	}
}

func TestLinesAreTheSameHoweverTheyArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.OneOf(
			rapid.SampledFrom([]string{"\n", "\r", "\r\n", "\xff", "ü"[:1], "ü"[1:], "\x1b[3", "1m", "\x00", strings.Repeat("x", maxLine-1)}),
			rapid.String(),
		)
		pieces := rapid.SliceOf(piece).Draw(t, "pieces")
		got := lines(pieces...)
		require.Equal(t, lines(strings.Join(pieces, "")), got)
		require.LessOrEqual(t, strings.Count(strings.Join(pieces, ""), "\n"), len(got))
		for _, line := range got {
			require.True(t, utf8.ValidString(line))
			require.NotContains(t, line, "\n")
			require.Less(t, len(line), maxLine+40)
		}
	})
}

// TestOfAStepItsBeginningAndItsEndGoOn is the law of the budget, whatever is said.
func TestOfAStepItsBeginningAndItsEndGoOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b budget
		sizes := rapid.SliceOfN(rapid.IntRange(0, 10), 0, 3*headLines).Draw(t, "sizes")
		factor := rapid.SampledFrom([]int{1, 10, 400}).Draw(t, "factor")
		var out []Line
		for i, size := range sizes {
			out = append(out, b.take(Line{Stream: Stdout, Text: fmt.Sprintf("%06d", i) + strings.Repeat("x", size*factor)})...)
		}
		out = append(out, b.end()...)

		before, bytes, next, notes := 0, 0, 0, 0
		for _, l := range out {
			bytes += len(l.Text)
			if l.Stream == Slipway {
				notes++
				var left, size int
				if n, _ := fmt.Sscanf(l.Text, "%d lines (%d bytes)", &left, &size); n == 2 {
					require.Equal(t, before, next, "it stands where they are missing")
					next += left
				}
				continue
			}
			var number int
			_, err := fmt.Sscanf(l.Text, "%06d", &number)
			require.NoError(t, err)
			require.Equal(t, next, number, "in order, each once, and what is missing is told")
			next++
			before = next
		}
		require.Equal(t, len(sizes), next, "to the last one")
		require.LessOrEqual(t, notes, 2)
		require.LessOrEqual(t, len(out), headLines+tailLines+2)
		require.LessOrEqual(t, bytes, headBytes+tailBytes+200)
	})
}

func TestTheEndOfAStepIsBoundedInBytesToo(t *testing.T) {
	var b budget
	for range 2 * tailLines {
		b.take(Line{Stream: Stdout, Text: strings.Repeat("x", maxLine)})
	}
	require.Len(t, b.end(), 1+tailBytes/maxLine, "with the note")
}

func TestABatchIsOfOneStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := make(chan Batch) // who publishes waits
		l := New(t.Context(), nil, func(_ context.Context, b Batch) error { published <- b; return nil })
		steps := []deploy.Step{deploy.StepBefore, deploy.StepStage, deploy.StepBefore}
		for _, step := range steps {
			l.Step(step)
			_, _ = l.Task("hook").Stdout().Write([]byte("said\n"))
			synctest.Wait()
		}
		closed := make(chan int)
		go func() { closed <- l.Close() }()
		for i, step := range steps {
			require.Equal(t, step, (<-published).Step, i)
		}
		require.Zero(t, <-closed)
	})
}

func TestWhatCannotBePublishedIsCountedAsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(t.Context(), nil, func(context.Context, Batch) error { return errors.New("the broker is away") })
		l.Step(deploy.StepBefore)
		_, _ = l.Task("hook").Stdout().Write([]byte("said\n"))
		require.Equal(t, 2, l.Close(), "with the name of the hook")
	})
}

func TestAFloodIsCountedAndItsEndKept(t *testing.T) {
	var got []Line
	l := New(t.Context(), nil, func(_ context.Context, b Batch) error { got = append(got, b.Lines...); return nil })
	l.Step(deploy.StepBefore)
	task := l.Task("hook")
	const all = 3_000_000
	flood := []byte(strings.Repeat("y\n", 16<<10))
	for range all / len(flood) {
		_, _ = task.Stdout().Write(flood)
	}
	_, _ = task.Stdout().Write([]byte("the end"))
	task.End(nil)
	require.Zero(t, l.Close())
	require.Equal(t, "hook", got[0].Text)
	require.Len(t, got, headLines+tailLines+2)
	require.Equal(t, "this step says much: of what follows, the end is shown once it has ended", got[headLines].Text)
	var left, bytes int
	_, err := fmt.Sscanf(got[headLines+1].Text, "%d lines (%d bytes) were left out here", &left, &bytes)
	require.NoError(t, err)
	require.Equal(t, all/len(flood)*(len(flood)/2)+2-headLines-tailLines, left, "with the name, and the end")
	require.Equal(t, "the end", got[len(got)-1].Text)
	require.Contains(t, task.Tail(), "y\ny\nthe end")
	require.LessOrEqual(t, len(task.Tail()), maxTail+len("…"))
}

func TestLinesGoOnInBatchesWhileACommandRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := make(chan Batch, 10)
		l := New(t.Context(), nil, func(_ context.Context, b Batch) error { published <- b; return nil })
		l.Step(deploy.StepBefore)
		first := l.Task(`hook "a"`)
		_, _ = first.Stdout().Write([]byte("one\ntw"))
		_, _ = first.Stderr().Write([]byte("other\n"))
		<-time.After(batchWait - time.Nanosecond)
		synctest.Wait()
		require.Empty(t, published)
		<-time.After(time.Nanosecond)
		synctest.Wait()
		require.Len(t, published, 1)
		require.Equal(t, []string{`slipway info hook "a"`, "stdout info one", "stderr info other"}, shown(<-published))

		_, _ = first.Stdout().Write([]byte("o\n"))
		first.End(errors.New("it broke"))
		_, _ = first.Stdout().Write([]byte("too late\n"))
		l.Step(deploy.StepStage)
		synctest.Wait()
		require.Len(t, published, 1, "the end of a step waits for nothing")
		last := <-published
		require.Equal(t, Batch{Step: deploy.StepBefore, First: 4, Lines: last.Lines}, last)
		require.Equal(t, []string{"stdout info two", `slipway error hook "a": it broke`}, shown(last))
		require.Equal(t, "one\nother\ntwo", first.Tail())

		l.Task("silent").End(errors.New("it broke"))
		require.Zero(t, l.Close())
		require.Empty(t, published, "who says nothing has no lines")
	})
}

func shown(b Batch) []string {
	var all []string
	for _, l := range b.Lines {
		all = append(all, fmt.Sprintf("%s %s %s", l.Stream, l.Level, l.Text))
	}
	return all
}

func TestABrokerThatIsAwayHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := make(chan struct{})
		var got []Batch
		l := New(t.Context(), nil, func(ctx context.Context, b Batch) error {
			select {
			case <-away:
				got = append(got, b)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		line := []byte(strings.Repeat("x", 1000) + "\n")
		for range 9 {
			l.Step(deploy.StepBefore)
			task := l.Task("hook")
			for range 2000 {
				_, _ = task.Stdout().Write(line)
			}
			task.End(nil)
		}
		began := time.Now()
		require.Positive(t, l.Close())
		require.Equal(t, closeWait, time.Since(began))
		require.Empty(t, got)
	})
}

func TestWhatFoundNoRoomIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := make(chan struct{})
		var got []Line
		number := 1
		l := New(t.Context(), nil, func(_ context.Context, b Batch) error {
			<-away
			require.Equal(t, number, b.First)
			require.LessOrEqual(t, len(b.Lines), batchLines)
			got, number = append(got, b.Lines...), number+len(b.Lines)
			return nil
		})
		line := []byte(strings.Repeat("x", 1000) + "\n")
		for range 9 {
			l.Step(deploy.StepBefore)
			task := l.Task("hook")
			for range 60 {
				_, _ = task.Stdout().Write(line)
			}
			task.End(nil)
		}
		close(away)
		require.Zero(t, l.Close())
		said, missing := 0, 0
		for _, l := range got {
			if l.Level != Warn {
				said++
				continue
			}
			var some int
			_, err := fmt.Sscanf(l.Text, "%d lines are missing here", &some)
			require.NoError(t, err)
			missing += some
		}
		require.Equal(t, 9*61, said+missing)
		require.Greater(t, missing, 200)
	})
}

func TestASecretIsHiddenHoweverItIsSaid(t *testing.T) {
	var got []Line
	secret := strings.Repeat("secret", 10)
	l := New(t.Context(), mask.New(secret, "1st\n2nd\n3rd"), func(_ context.Context, b Batch) error { got = append(got, b.Lines...); return nil })
	task := l.Task("hook")
	for _, part := range []string{
		"it is " + secret[:20], secret[20:] + "!\n", // in two reads
		secret[:9] + "\x1b[31m" + secret[9:] + "\x1b[0m\n", // in two colours
		strings.Repeat("x", maxLine-10) + secret + "\n",    // where the line is cut
		"1st\n", "2nd\n", "3rd\n", // in three lines
		"wait... \r" + secret + "\n", "of which " + secret[:9] + " is no secret", // at the end
	} {
		_, err := task.Stdout().Write([]byte(part))
		require.NoError(t, err)
	}
	task.End(errors.New("it cannot read " + secret))
	require.Zero(t, l.Close())
	var said []string
	for _, line := range got {
		said = append(said, line.Text)
	}
	require.Equal(t, []string{
		"hook", "it is ***!", "***", strings.Repeat("x", maxLine-10) + "***", "***", "***", "of which " + secret[:9] + " is no ***",
		"hook: it cannot read ***",
	}, said)
	require.NotContains(t, task.Tail(), secret)
}
