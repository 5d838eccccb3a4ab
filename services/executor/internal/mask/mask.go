package mask

import (
	"iter"
	"slices"
	"strings"
)

// Hidden is what stands for a secret.
const Hidden = "***"

// Mask hides secrets. It does not change, and any number of goroutines may use it.
// The nil Mask hides nothing.
type Mask struct {
	// patterns has what is looked for by its first bytes; the longest comes first.
	patterns map[[shortest]byte][]string
	// begun has the beginnings of patterns that are shorter than that.
	begun map[string]bool
	// pairs has a bit for the first two bytes of each: most places in a text need no
	// more than a look here.
	pairs [1 << 10]uint64
}

// New returns a mask that hides these secrets. One that is not Maskable is not
// hidden. Where there is nothing to hide, it returns nil.
func New(secrets ...string) *Mask {
	m := &Mask{patterns: map[[shortest]byte][]string{}, begun: map[string]bool{}}
	known := map[string]bool{}
	for _, secret := range secrets {
		for _, form := range forms(secret) {
			for pattern := range pieces(form) {
				if !known[pattern] {
					known[pattern] = true
					m.add(pattern)
				}
			}
		}
	}
	if len(known) == 0 {
		return nil
	}
	for _, some := range m.patterns {
		slices.SortFunc(some, func(a, b string) int { return len(b) - len(a) })
	}
	return m
}

// pieces returns a text in parts that are looked for at once; the last one is as long
// as the others, and begins in the one before. None begins with white space: the end of
// each line would be kept back until the next came.
func pieces(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := 0; at < len(text); at += chunk {
			if at+chunk > len(text) {
				at = max(0, len(text)-chunk)
			}
			piece := strings.TrimSpace(text[at:min(at+chunk, len(text))])
			if len(piece) >= shortest && !yield(piece) {
				return
			}
		}
	}
}

func (m *Mask) add(pattern string) {
	key := [shortest]byte([]byte(pattern[:shortest]))
	m.patterns[key] = append(m.patterns[key], pattern)
	word, bit := pair(pattern[0], pattern[1])
	m.pairs[word] |= bit
	for n := 1; n < shortest; n++ {
		m.begun[pattern[:n]] = true
	}
}

// pair is where two bytes are in pairs.
func pair(a, b byte) (word int, bit uint64) {
	return int(a)<<2 | int(b)>>6, 1 << (b & 63)
}

// at returns the length of the longest secret that a text begins with, 0 for none,
// and whether it may be the beginning of a longer one.
func (m *Mask) at(text []byte) (length int, open bool) {
	if len(text) > 1 {
		if word, bit := pair(text[0], text[1]); m.pairs[word]&bit == 0 {
			return 0, false
		}
	}
	if len(text) < shortest {
		return 0, m.begun[string(text)]
	}
	for _, pattern := range m.patterns[[shortest]byte(text)] {
		switch {
		case len(pattern) > len(text):
			open = open || pattern[:len(text)] == string(text)
		case string(text[:len(pattern)]) == pattern:
			return len(pattern), open
		}
	}
	return 0, open
}

// String returns the text without its secrets.
func (m *Mask) String(text string) string {
	if m == nil {
		return text
	}
	var out strings.Builder
	w := m.Writer(&out)
	_, _ = w.Write([]byte(text)) // a Builder takes everything
	_ = w.Flush()
	return out.String()
}

// Error returns an error that says the same without its secrets, and is what err is.
// It is err itself where there is nothing to hide.
func (m *Mask) Error(err error) error {
	if m == nil || err == nil {
		return err
	}
	text := err.Error()
	if hidden := m.String(text); hidden != text {
		return masked{err, hidden}
	}
	return err
}

type masked struct {
	error
	text string
}

func (e masked) Error() string { return e.text }
func (e masked) Unwrap() error { return e.error }
