package display

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"
	"time"
)

// Terminal is what a live display is drawn on.
type Terminal interface {
	io.Writer
	Size() (width, height int) // in cells; may change at any time
}

// drawEvery is the least time between two redraws.
const drawEvery = 125 * time.Millisecond

// Live keeps a block of lines at the end of a terminal's output up to date. Nothing else may be written there until
// Stop has returned.
//
// It has one goroutine, which asks for a frame now and then and writes those that differ from the last.
type Live struct {
	stop chan struct{}
	done sync.WaitGroup
}

// Start begins to draw. frame returns the lines that fit a terminal of this size; it is called from another goroutine.
func Start(t Terminal, frame func(width, height int) []string) *Live {
	l := &Live{stop: make(chan struct{})}
	l.done.Go(func() {
		s := screen{terminal: t}
		ticker := time.NewTicker(drawEvery)
		defer ticker.Stop()
		for {
			s.draw(frame(t.Size()))
			select {
			case <-l.stop:
				s.width = 0 // draw it all, over a ^C that the terminal has put below
				s.draw(frame(t.Size()))
				return
			case <-ticker.C:
			}
		}
	})
	return l
}

// Stop draws once more, leaves the block where it is with the cursor below, and waits for the goroutine.
func (l *Live) Stop() {
	close(l.stop)
	l.done.Wait()
}

// screen is what stands on the terminal now.
type screen struct {
	terminal Terminal
	lines    []string
	width    int
}

// draw replaces the block by these lines. It writes once, and nothing where nothing changed.
func (s *screen) draw(lines []string) {
	width, height := s.terminal.Size()
	if slices.Equal(lines, s.lines) && width == s.width {
		return
	}
	var b bytes.Buffer
	b.WriteByte('\r')
	if up := min(s.rows(width), height-1); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	for _, l := range lines {
		b.WriteString(l + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	// A terminal that is gone shows nothing, and the deployment goes on without it.
	_, _ = s.terminal.Write(b.Bytes())
	s.lines, s.width = slices.Clone(lines), width
}

// rows is how many lines of a terminal of this width the block takes. A terminal that was made narrower has broken
// lines in two.
func (s *screen) rows(width int) int {
	rows := 0
	for _, l := range s.lines {
		rows += max(1, (cells(sgr.ReplaceAllString(l, ""))+width-1)/max(width, 1))
	}
	return rows
}

// sgr matches the only sequences that lines hold.
var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")
