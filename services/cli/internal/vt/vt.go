// Package vt is as much of a terminal as the live display needs, for tests: what a person would see after these bytes.
package vt

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/rivo/uniseg"
)

// Screen is a terminal of a fixed size, with what has scrolled off its top.
type Screen struct {
	mu            sync.Mutex
	width, height int
	rows          [][]string // cells, from the first that ever was; a wide character leaves its second cell empty
	top           int        // first row on the screen
	x, y          int
	writes        int
	pending       string // an escape sequence that is not complete
	unknown       []string
}

// New returns an empty screen.
func New(width, height int) *Screen {
	return &Screen{width: width, height: height, rows: [][]string{{}}}
}

// Size returns the size in cells.
func (s *Screen) Size() (width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.width, s.height
}

// Resize makes the screen wider or higher. It does not break lines anew.
func (s *Screen) Resize(width, height int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.width, s.height = width, height
	s.top = max(0, len(s.rows)-height)
}

// Lines returns all that can be read, scrolled off or not, without empty lines at the end.
func (s *Screen) Lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, strings.TrimRight(strings.Join(row, ""), " "))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Writes returns how many writes there were.
func (s *Screen) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// Unknown returns what was written and is no text, nor a sequence that the display needs.
func (s *Screen) Unknown() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unknown
}

// Feed writes all of r, until it ends.
func (s *Screen) Feed(r io.Reader) { _, _ = io.Copy(s, r) }

// Write acts upon bytes as a terminal does.
func (s *Screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	text := s.pending + string(b)
	s.pending = ""
	for text != "" {
		switch text[0] {
		case '\r':
			s.x, text = 0, text[1:]
		case '\n':
			s.newline()
			text = text[1:]
		case '\x1b':
			end := strings.IndexAny(text[1:], "ABCDEFGHJKLMSTfhlmnsu")
			if end < 0 {
				s.pending = text
				return len(b), nil
			}
			s.sequence(text[:end+2])
			text = text[end+2:]
		default:
			cluster, rest, width, _ := uniseg.FirstGraphemeClusterInString(text, -1)
			if cluster < " " || cluster == "\x7f" {
				s.unknown = append(s.unknown, fmt.Sprintf("%q", cluster))
			}
			s.put(cluster, width)
			text = rest
		}
	}
	return len(b), nil
}

func (s *Screen) newline() {
	s.x, s.y = 0, s.y+1
	for len(s.rows) <= s.y {
		s.rows = append(s.rows, nil)
	}
	s.top = max(s.top, len(s.rows)-s.height)
}

func (s *Screen) put(cluster string, width int) {
	if s.x+width > s.width {
		s.newline()
	}
	row := s.rows[s.y]
	for len(row) < s.x+width {
		row = append(row, " ")
	}
	row[s.x] = cluster
	for i := 1; i < width; i++ {
		row[s.x+i] = ""
	}
	s.rows[s.y] = row
	s.x += width
}

// sequence acts upon cursor up, erase to the end of the line and of the screen, and colours.
func (s *Screen) sequence(seq string) {
	n := 1
	_, _ = fmt.Sscanf(seq, "\x1b[%d", &n)
	switch {
	case strings.HasSuffix(seq, "A"):
		s.y = max(s.top, s.y-n)
	case seq == "\x1b[K":
		s.rows[s.y] = s.rows[s.y][:min(s.x, len(s.rows[s.y]))]
	case seq == "\x1b[J":
		s.rows[s.y] = s.rows[s.y][:min(s.x, len(s.rows[s.y]))]
		s.rows = s.rows[:s.y+1]
	case strings.HasSuffix(seq, "m"):
	default:
		s.unknown = append(s.unknown, fmt.Sprintf("%q", seq))
	}
}
