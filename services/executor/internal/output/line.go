package output

import "time"

// Line is one line of what was said.
type Line struct {
	Time   time.Time
	Stream Stream
	Level  Level
	Text   string // fit to be shown: valid UTF-8 of one line, at most maxLine bytes and a mark
}

// Stream is where a line comes from.
type Stream string

// The streams there are.
const (
	Stdout  Stream = "stdout"
	Stderr  Stream = "stderr"
	Slipway Stream = "slipway" // a word of Slipway's own
)

// Level is how much a line matters. What the user's own says is information,
// whichever stream it uses.
type Level string

// The levels there are.
const (
	Info  Level = "info"
	Warn  Level = "warn"  // something is missing here
	Error Level = "error" // what ran has failed
)
