package output

import "fmt"

// What is kept of what a step says.
const (
	headLines, headBytes = 1000, 64 << 10 // from its beginning
	tailLines, tailBytes = 100, 16 << 10  // from its end
)

// budget decides which lines of a step go on: those of its beginning, and once that
// is spent, those of its end. The zero budget is whole.
type budget struct {
	lines, bytes int    // that went on
	tail         []Line // the last ones that did not, of tailLines and tailBytes at most
	kept         int    // bytes in tail
	left         int    // lines that are in neither
	leftBytes    int
}

// take returns what is to go on now that this line was said.
func (b *budget) take(l Line) []Line {
	switch {
	case b.spent():
		b.keep(l)
		return nil
	case b.lines+1 > headLines || b.bytes+len(l.Text) > headBytes:
		note := l
		note.Stream, note.Level = Slipway, Warn
		note.Text = "this step says much: of what follows, the end is shown once it has ended"
		b.keep(l)
		return []Line{note}
	}
	b.lines, b.bytes = b.lines+1, b.bytes+len(l.Text)
	return []Line{l}
}

// spent says whether the beginning is over. A line that does not fit ends it, so that
// no later one is shown where this one is missing.
func (b *budget) spent() bool { return len(b.tail) > 0 }

// pass counts lines that nobody looked at. It is for when the beginning is over, and
// tailLines more follow.
func (b *budget) pass(lines, bytes int) {
	b.left, b.leftBytes = b.left+lines, b.leftBytes+bytes
}

func (b *budget) keep(l Line) {
	b.tail, b.kept = append(b.tail, l), b.kept+len(l.Text)
	gone := 0
	for len(b.tail)-gone > tailLines || b.kept > tailBytes && len(b.tail)-gone > 1 {
		b.kept, b.leftBytes = b.kept-len(b.tail[gone].Text), b.leftBytes+len(b.tail[gone].Text)
		gone++
	}
	b.left += gone
	if b.tail = b.tail[gone:]; cap(b.tail) < tailLines {
		b.tail = append(make([]Line, 0, 8*tailLines), b.tail...)
	}
}

// end returns what is to go on now that the step has ended.
func (b *budget) end() []Line {
	if b.left == 0 {
		return b.tail
	}
	note := b.tail[0]
	note.Stream, note.Level = Slipway, Warn
	note.Text = fmt.Sprintf("%d lines (%d bytes) were left out here", b.left, b.leftBytes)
	return append([]Line{note}, b.tail...)
}
