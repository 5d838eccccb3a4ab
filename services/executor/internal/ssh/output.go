package ssh

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// lineWriter cuts what is written into lines. Where one of them is mark, what follows goes to rest as it comes. It
// never fails: output must be drained even if nobody wants it, or the command would wait for ever.
type lineWriter struct {
	mark string    // "": none
	rest io.Writer // nil: nobody wants it, or not any more
	copy io.Writer // has all up to the mark, too; nil: there is none

	mu      sync.Mutex
	emit    func(line string) // nil: nobody listens, or not any more
	marked  bool
	partial []byte // at most MaxLine bytes
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for left := p; len(left) > 0; {
		if w.marked {
			if w.rest != nil {
				_, _ = w.rest.Write(left)
			}
			break
		}
		line, after, complete := bytes.Cut(left, []byte{'\n'})
		w.partial = append(w.partial, line[:min(len(line), MaxLine-len(w.partial))]...)
		if complete {
			w.marked = w.mark != "" && string(w.partial) == w.mark
		}
		if w.copy != nil && !w.marked {
			_, _ = w.copy.Write(left[:len(left)-len(after)])
		}
		if complete {
			if w.emit != nil {
				w.emit(string(w.partial))
			}
			w.partial = w.partial[:0]
		}
		left = after
	}
	return len(p), nil
}

// flush emits a last line that has no newline.
func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.emit != nil && len(w.partial) > 0 {
		w.emit(string(w.partial))
		w.partial = nil
	}
}

// stop returns when no line is emitted any more.
func (w *lineWriter) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.emit, w.rest, w.partial = nil, nil, nil
}

// tailWriter keeps the end of what is written.
type tailWriter struct {
	limit int

	mu   sync.Mutex
	kept []byte // up to twice the limit, so that the rest need not move at each write
	cut  bool
}

func (w *tailWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept = append(w.kept, p[max(0, len(p)-w.limit):]...)
	w.cut = w.cut || len(p) > w.limit
	if surplus := len(w.kept) - w.limit; surplus > w.limit {
		w.kept = append(w.kept[:0], w.kept[surplus:]...)
		w.cut = true
	}
	return len(p), nil
}

const omission = "…"

// text is the harmless end of what was written, at most limit bytes in all.
func (w *tailWriter) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := Harmless(string(w.kept))
	if !w.cut && len(text) <= w.limit {
		return text
	}
	start := min(len(text), max(0, len(text)-w.limit+len(omission)))
	for start < len(text) && !utf8.RuneStart(text[start]) {
		start++
	}
	return omission + text[start:]
}

// Harmless makes text from a host fit to be shown on a terminal or a page: valid UTF-8, and none of the characters that
// move the cursor, change colours or turn the direction of writing. A lone carriage return, as progress bars write it,
// becomes a newline.
func Harmless(text string) string {
	lines := strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return '\uFFFD'
		default:
			return r
		}
	}, lines)
}
