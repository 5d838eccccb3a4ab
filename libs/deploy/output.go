package deploy

import (
	"fmt"
	"slices"
	"time"
)

// OutputSaid is something that was said on a target: by what the user has run there,
// or about it.
type OutputSaid struct {
	On    TargetRef
	Step  Step
	First int // number of the first line in the attempt, from 1
	Lines []OutputLine
}

// OutputLine is one line of it.
type OutputLine struct {
	Time   time.Time
	Stream string
	Level  string
	Text   string
}

func (OutputSaid) isEvent() {}

const (
	// OutputPage is how many lines one page holds.
	OutputPage = 200
	// What is kept of one target.
	maxOutputLines, maxOutputBytes = 5000, 1 << 20
	// maxOutputAttempts is of how many attempts on a target it is known how far their
	// lines came. There are few; an older one has nothing more to say.
	maxOutputAttempts = 16
)

// Output is the document that says where the output of up to PieceSize targets, from
// ordinal Index×PieceSize on, stands in its Pages: each line has a position there, in
// the order in which they were stored.
type Output struct {
	Deployment string
	Index      int
	Seq        uint64 // last event folded
	Lines      int    // that there are: the position of the next
	Targets    []TargetOutput
}

// TargetOutput is where the lines of one target are.
type TargetOutput struct {
	First, End int // positions: its lines are from First on, before End
	Lines      int
	Bytes      int
	Full       bool // more was said than is kept
	Attempts   []AttemptOutput
}

// AttemptOutput is how far the lines of an attempt came.
type AttemptOutput struct {
	Token uint64
	Last  int // number
}

// Page is the document of up to OutputPage lines, from position Number×OutputPage on.
type Page struct {
	Deployment string
	Index      int
	Number     int
	Seq        uint64 // last event folded
	Lines      []SaidLine
}

// SaidLine is a line with what it belongs to.
type SaidLine struct {
	Target  int // ordinal
	Host    string
	Attempt int
	Number  int // in the attempt, from 1
	Step    Step
	OutputLine
}

// FoldOutput folds one record of an OutputSaid, and returns the lines that it adds: they
// stand from position Lines of o on. Lines whose number was seen are repeats, and add
// nothing; nor does what is beyond the bounds of a target, of which the last line tells.
func FoldOutput(o Output, r Record) (Output, []SaidLine) {
	e, ok := r.Event.(OutputSaid)
	if !ok || r.Seq <= o.Seq || e.On.Target < 0 {
		return o, nil
	}
	o.Seq = r.Seq
	o.Targets = slices.Clone(o.Targets)
	place := e.On.Target % PieceSize
	for len(o.Targets) <= place {
		o.Targets = append(o.Targets, TargetOutput{})
	}
	t := &o.Targets[place]
	seen := t.reach(e.On.Token, e.First+len(e.Lines)-1)
	var added []SaidLine
	for i, line := range e.Lines {
		if e.First+i <= seen || t.Full {
			continue
		}
		if t.Full = t.Lines+1 >= maxOutputLines || t.Bytes+len(line.Text) > maxOutputBytes; t.Full {
			line = OutputLine{
				Time: line.Time, Stream: "slipway", Level: "warn",
				Text: fmt.Sprintf("of one host %d lines are kept, of %d bytes in all: what follows is left out", maxOutputLines, maxOutputBytes),
			}
		}
		t.Lines, t.Bytes = t.Lines+1, t.Bytes+len(line.Text)
		added = append(added, SaidLine{
			Target: e.On.Target, Host: e.On.Host, Attempt: e.On.Attempt, Number: e.First + i, Step: e.Step, OutputLine: line,
		})
	}
	if len(added) > 0 {
		if t.End == 0 {
			t.First = o.Lines
		}
		o.Lines += len(added)
		t.End = o.Lines
	}
	return o, added
}

// reach notes that the lines of an attempt came to this number, and returns how far they
// had come.
func (t *TargetOutput) reach(token uint64, last int) (seen int) {
	i := slices.IndexFunc(t.Attempts, func(a AttemptOutput) bool { return a.Token == token })
	t.Attempts = slices.Clone(t.Attempts)
	if i >= 0 {
		seen = t.Attempts[i].Last
		t.Attempts[i].Last = max(seen, last)
		return seen
	}
	if len(t.Attempts) == maxOutputAttempts {
		t.Attempts = t.Attempts[1:]
	}
	t.Attempts = append(t.Attempts, AttemptOutput{Token: token, Last: last})
	return 0
}

// FoldPage puts lines that an event has added into the page that they belong to, of which
// at is the position of the first.
func FoldPage(p Page, seq uint64, at int, lines []SaidLine) Page {
	if seq <= p.Seq {
		return p
	}
	p.Seq = seq
	p.Lines = slices.Clone(p.Lines)
	for i, line := range lines {
		place := at + i - p.Number*OutputPage
		for len(p.Lines) <= place {
			p.Lines = append(p.Lines, SaidLine{})
		}
		p.Lines[place] = line
	}
	return p
}
