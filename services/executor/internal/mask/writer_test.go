package mask

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// inParts writes a text in parts that end where the seed says.
func inParts(t *testing.T, m *Mask, text string, seed uint64) string {
	t.Helper()
	var out strings.Builder
	w := m.Writer(&out)
	r := rand.New(rand.NewPCG(seed, 0)) // to be had again
	for rest := text; rest != ""; {
		n := min(len(rest), r.IntN(6))
		written, err := io.WriteString(w, rest[:n])
		require.NoError(t, err)
		require.Equal(t, n, written)
		rest = rest[n:]
	}
	require.NoError(t, w.Flush())
	return out.String()
}

// plainly is what a mask is to make of a text, as slowly as that can be said.
func plainly(m *Mask, text string) string {
	covered := make([]bool, len(text))
	for _, some := range m.patterns {
		for _, pattern := range some {
			for at := range len(text) {
				if strings.HasPrefix(text[at:], pattern) {
					for i := range len(pattern) {
						covered[at+i] = true
					}
				}
			}
		}
	}
	var out strings.Builder
	for i := range len(text) {
		switch {
		case !covered[i]:
			out.WriteByte(text[i])
		case i == 0 || !covered[i-1]:
			out.WriteString(Hidden)
		}
	}
	return out.String()
}

func requireHidden(t *testing.T, secrets []string, text string, seed uint64) {
	t.Helper()
	m := New(secrets...)
	whole := m.String(text)
	require.Equal(t, whole, inParts(t, m, text, seed), "%q in %q", secrets, text)
	if m == nil {
		require.Equal(t, text, whole)
		return
	}
	require.Equal(t, plainly(m, text), whole, "%q in %q", secrets, text)
	for _, secret := range secrets {
		secret = strings.TrimSpace(secret)
		if len(secret) >= shortest && len(secret) <= chunk && !strings.Contains(secret, "*") { // else what hides one may look like another
			require.NotContains(t, whole, secret)
		}
	}
}

func FuzzNoSecretPasses(f *testing.F) {
	f.Add("abcd", "cdef", "xabcdefx abcd", uint64(1))
	f.Add("aaaa", "aaab", "aaaaaaab", uint64(2))
	f.Add("line one\nl\nline three", "l\n", "line one\nl\nline three\nline one\nl", uint64(3))
	f.Add(strings.Repeat("long", 50), "long", strings.Repeat("long", 99), uint64(4))
	f.Fuzz(func(t *testing.T, a, b, text string, seed uint64) {
		requireHidden(t, []string{a, b}, text, seed)
		requireHidden(t, []string{a, b}, text+a+b[len(b)/2:]+a[:len(a)/2]+b, seed)
	})
}

// Few letters make for many secrets that overlap, and texts that nearly hold them.
func TestNoSecretPassesHoweverATextIsCut(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1)) // to be had again
		word := func(most int) string {
			text := make([]byte, r.IntN(most))
			for i := range text {
				text[i] = "aab \n"[r.IntN(5)]
			}
			return string(text)
		}
		requireHidden(t, []string{word(9), word(9), word(200)}, word(400), seed)
	}
}

func TestNoMoreIsKeptBackThanMayGoOnAsASecret(t *testing.T) {
	var out strings.Builder
	w := New("hunter2", strings.Repeat("ab", 1000)).Writer(&out)
	for _, step := range []struct{ write, passed string }{
		{"a hun", "a "}, {"d", "a hund"}, {" hunter", "a hund "}, {"2", "a hund ***"}, {"\n", "a hund ***\n"},
	} {
		_, err := io.WriteString(w, step.write)
		require.NoError(t, err)
		require.Equal(t, step.passed, out.String())
	}
	for range 500 {
		_, err := io.WriteString(w, "ab")
		require.NoError(t, err)
		require.Less(t, len(w.held), chunk)
	}
}

func TestWhatIsCutHidesTheBeginningOfASecret(t *testing.T) {
	var out strings.Builder
	w := New("hunter2").Writer(&out)
	_, _ = io.WriteString(w, "so long: hunt")
	require.NoError(t, w.Cut())
	_, _ = io.WriteString(w, "er2 hunter")
	require.NoError(t, w.Flush())
	require.Equal(t, "so long: ***er2 hunter", out.String())
}

// The end of one text and the beginning of the next are not one secret.
func TestATextThatBeginsWithASecretAfterOneThatEndsWithItSaysSo(t *testing.T) {
	var out strings.Builder
	w := New("hunter2").Writer(&out)
	for _, end := range []func() error{w.Flush, w.Cut} {
		out.Reset()
		for range 2 {
			_, _ = io.WriteString(w, "hunter2")
			require.NoError(t, end())
		}
		require.Equal(t, Hidden+Hidden, out.String())
	}
}

func TestTheErrorOfWhoeverTakesItIsReturned(t *testing.T) {
	gone := errors.New("gone")
	r, behind := io.Pipe()
	require.NoError(t, r.CloseWithError(gone))
	w := New("hunter2").Writer(behind)
	_, err := io.WriteString(w, "text")
	require.ErrorIs(t, err, gone)
	_, _ = io.WriteString(w, "hun")
	require.ErrorIs(t, w.Flush(), gone)
}

func TestClosingPassesOnTheRestAndClosesWhatIsBehind(t *testing.T) {
	r, behind := io.Pipe()
	w := New("hunter2").Writer(behind)
	go func() {
		_, _ = io.WriteString(w, "hunt")
		_ = w.Close()
	}()
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "hunt", string(all))
	require.NoError(t, New("hunter2").Writer(io.Discard).Close())
}

func TestLinesComeAsSoonAsNoSecretCanGoOn(t *testing.T) {
	var got []string
	l := New("one\nx\nthree", "hunter2").Lines(func(line string) { got = append(got, line) })
	for _, c := range []struct {
		line string
		cut  bool
		want []string
	}{
		{line: "", want: []string{""}},
		{line: "hunter2!", want: []string{"***!"}},
		{line: "hunter", want: []string{"hunter"}},
		{line: "hunter", cut: true, want: []string{"***"}},
		{line: "say one"},
		{line: "x"},
		{line: "three and four", want: []string{"say *** and four"}},
		{line: "one"},
		{line: "two", want: []string{"one", "two"}},
	} {
		got = nil
		l.Add(c.line, c.cut)
		require.Equal(t, c.want, got, c.line)
	}
	got = nil
	l.Add("one", false)
	require.Empty(t, got)
	l.Flush()
	require.Equal(t, []string{"one"}, got)

	var none *Mask
	l = none.Lines(func(line string) { got = append(got, line) })
	l.Add("two", true)
	require.Equal(t, []string{"one", "two"}, got)
}

func BenchmarkWrite(b *testing.B) {
	secrets := make([]string, 10)
	for i := range secrets {
		secrets[i] = random(40)
	}
	line := []byte(strings.Repeat("a line of what a build says, with numbers 12345 ", 20) + "\n")
	w := New(secrets...).Writer(io.Discard)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		_, _ = w.Write(line)
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{1, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			secrets := make([]string, n)
			for i := range secrets {
				secrets[i] = random(40)
			}
			b.ReportAllocs()
			for b.Loop() {
				New(secrets...)
			}
		})
	}
}
