package contract

import "time"

// Types of what the user's own says on hosts, and of the question for it.
const (
	TypeJobOutput  Type = "slipway.v1.ev.job.output"
	TypeListOutput Type = "slipway.v1.query.output.list"
	TypeOutput     Type = "slipway.v1.query.output"
)

// JobOutputEvent is what a hook, a restart or a check said on a host, a part of it at a
// time. It is no link in the chain of the job's events, and decides nothing: an attempt
// that was superseded may still say something, as its token shows.
type JobOutputEvent struct {
	Step  string       `json:"step"`
	First int          `json:"first"` // number of the first line in the attempt, from 1
	Lines []OutputLine `json:"lines"` // at most OutputLines
}

// OutputLines bounds the lines of one JobOutputEvent.
const OutputLines = 1000

// OutputLine is one line of what was said.
type OutputLine struct {
	Time   time.Time `json:"time"`
	Stream string    `json:"stream"` // stdout, stderr, or slipway for a word of Slipway's own
	Level  string    `json:"level"`  // info, warn where something is missing, or error where what ran has failed
	Text   string    `json:"text"`
}

// ListOutput asks history for the output of the deployment that the envelope names: of
// each hundred hosts in the order in which it was said.
type ListOutput struct {
	MinSeq uint64 `json:"min_seq,omitempty"`
	After  string `json:"after,omitempty"`  // Output.Position of the page before
	Limit  int    `json:"limit"`            // 1 to 500
	Server string `json:"server,omitempty"` // id or name
	Step   string `json:"step,omitempty"`
	Stream string `json:"stream,omitempty"`
	Level  string `json:"level,omitempty"`

	From *time.Time `json:"from,omitempty"` // said then or later
	To   *time.Time `json:"to,omitempty"`   // said before

	Last   bool   `json:"last,omitempty"`   // the last Limit lines, instead of the first after a position
	Before string `json:"before,omitempty"` // with Last: Output.Before of the answer with those behind them
}

// Output is the answer to ListOutput.
type Output struct {
	Lines    []TargetLine `json:"lines"` // may be none though there are more
	Position string       `json:"position"`
	More     bool         `json:"more,omitempty"`
	Before   string       `json:"before,omitempty"` // of the last lines: where those before them end, if there may be any
}

// TargetLine is a line that was said on a host.
type TargetLine struct {
	Target  int    `json:"target"` // ordinal
	Host    string `json:"host"`
	Name    string `json:"name"`
	Attempt int    `json:"attempt"`
	Number  int    `json:"number"` // in the attempt, from 1
	Step    string `json:"step"`
	OutputLine
}

// MessageType implements Body.
func (JobOutputEvent) MessageType() Type { return TypeJobOutput }

// MessageType implements Body.
func (ListOutput) MessageType() Type { return TypeListOutput }

// MessageType implements Body.
func (Output) MessageType() Type { return TypeOutput }
