package output

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
)

// maxTail bounds what of a task's output goes into the reason of its failure, in bytes.
const maxTail = 800

// Task is what one command of the user says. It is safe for two writers.
type Task struct {
	log    *Log
	name   string
	out    *mask.Writer
	errors *mask.Writer

	mu    sync.Mutex
	said  bool
	ended bool
	tail  string
}

// Task returns the output of a command, which the name tells from others of its step.
func (l *Log) Task(name string) *Task {
	t := &Task{log: l, name: name}
	t.out, t.errors = t.stream(Stdout), t.stream(Stderr)
	return t
}

// stream returns what all bytes of a stream pass through before they are cut into
// lines: events and reasons of failures have them from here alone. Secrets are hidden
// before that, as half a one would not be found, and after it, as colours may have stood
// between.
func (t *Task) stream(s Stream) *mask.Writer {
	return t.log.mask.Writer(&cutter{
		emit: func(text string) {
			t.say(Line{Time: time.Now().UTC(), Stream: s, Level: Info, Text: t.log.mask.String(text)})
		},
		last: t.log.wanted,
		pass: t.log.pass,
	})
}

// Stdout takes what the command writes there. It never fails and never waits.
func (t *Task) Stdout() io.Writer { return writer{t, t.out} }

// Stderr is the same for stderr.
func (t *Task) Stderr() io.Writer { return writer{t, t.errors} }

// End says that the command has ended, and how. What is written later is dropped.
func (t *Task) End(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	for _, w := range []*mask.Writer{t.out, t.errors} {
		if err != nil { // it may have been cut off in the midst of a secret
			_ = w.Cut()
		}
		_ = w.Close()
	}
	t.ended = true
	if err != nil && t.said {
		why, _, _ := strings.Cut(t.log.mask.String(err.Error()), "\n")
		t.log.say(Line{Time: time.Now().UTC(), Stream: Slipway, Level: Error, Text: t.name + ": " + why})
	}
}

// Tail is the end of what it said on both streams, for who is told why it failed.
func (t *Task) Tail() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tail
}

// say passes a line on. The caller holds mu.
func (t *Task) say(l Line) {
	if !t.said {
		t.said = true
		t.log.say(Line{Time: l.Time, Stream: Slipway, Level: Info, Text: t.name})
	}
	t.log.say(l)
	t.tail = strings.TrimPrefix(t.tail+"\n"+l.Text, "\n")
	if surplus := len(t.tail) - maxTail; surplus > 0 {
		t.tail = "…" + strings.TrimPrefix(strings.ToValidUTF8(t.tail[surplus:], ""), "…")
	}
}

type writer struct {
	task *Task
	to   io.Writer
}

func (w writer) Write(p []byte) (int, error) {
	w.task.mu.Lock()
	defer w.task.mu.Unlock()
	if !w.task.ended {
		_, _ = w.to.Write(p)
	}
	return len(p), nil
}
