package output

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// maxLine is how much of a line is kept, in bytes.
const maxLine = 4 << 10

// escapes are what colours text and moves the cursor: on a page it is noise.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?)")

// cutter cuts a stream into lines. As on a terminal, what follows a carriage return
// takes the place of what was before it, so that of a progress bar the last is left.
type cutter struct {
	emit func(text string)
	// last is how many lines of those that come at once are worth cutting: the others are
	// passed over, since of a flood nobody sees them. 0: all are.
	last func() int
	pass func(lines, bytes int)

	line     []byte // at most maxLine
	more     int    // bytes that it had beyond
	returned bool   // a carriage return came last
	begun    bool   // something of the line has come
}

// Write implements io.Writer. It never fails.
func (c *cutter) Write(p []byte) (int, error) {
	for left := p[c.passOver(p):]; len(left) > 0; {
		part, after, complete := bytes.Cut(left, []byte{'\n'})
		c.add(part)
		if complete {
			c.end()
		}
		left = after
	}
	return len(p), nil
}

// passOver returns how much of p is passed over: all up to its last lines.
func (c *cutter) passOver(p []byte) int {
	at := len(p)
	for range c.last() {
		if at = bytes.LastIndexByte(p[:at], '\n'); at < 0 {
			return 0
		}
	}
	if at == len(p) {
		return 0
	}
	at++
	c.pass(bytes.Count(p[:at], []byte{'\n'}), len(c.line)+c.more+at)
	c.reset()
	return at
}

// Close ends a last line that has no newline.
func (c *cutter) Close() error {
	if c.begun {
		c.end()
	}
	return nil
}

func (c *cutter) add(part []byte) {
	for len(part) > 0 {
		c.begun = true
		if c.returned && part[0] != '\r' {
			c.line, c.more, c.returned = c.line[:0], 0, false
		}
		text, after, returned := bytes.Cut(part, []byte{'\r'})
		kept := min(len(text), maxLine-len(c.line))
		c.line, c.more = append(c.line, text[:kept]...), c.more+len(text)-kept
		c.returned = c.returned || returned
		part = after
	}
}

func (c *cutter) end() {
	text := ssh.Harmless(string(escapes.ReplaceAll(c.line, nil)))
	if len(text) > maxLine { // what replaces a byte may be longer
		whole := len(text)
		text = strings.ToValidUTF8(text[:maxLine], "")
		c.more += whole - len(text)
	} else if c.more > 0 {
		text = strings.TrimRight(text, "\uFFFD") // a character that was cut in two
	}
	if c.more > 0 {
		text += fmt.Sprintf("… (%d bytes more)", c.more)
	}
	c.reset()
	c.emit(text)
}

func (c *cutter) reset() { c.line, c.more, c.returned, c.begun = c.line[:0], 0, false, false }
