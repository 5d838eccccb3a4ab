package output

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/mask"
)

const (
	// batchWait is how long a line waits for others: long enough that a step which
	// says much costs few events, too short to be noticed by who reads along.
	batchWait = 200 * time.Millisecond
	// What goes into one batch at most.
	batchLines, batchBytes = 200, 16 << 10
	// maxWaiting bounds what waits to be published, in bytes: some steps' worth.
	maxWaiting = 256 << 10
	// closeWait is how long the last lines may keep an attempt from its end.
	closeWait = 2 * time.Second
)

// Batch is what is published at once: lines of one step.
type Batch struct {
	Step  deploy.Step
	First int // number of the first line in the attempt, from 1
	Lines []Line
}

// Publish stores a batch and returns once it is durable or ctx has ended.
type Publish func(ctx context.Context, b Batch) error

// Log is the output of one attempt. A goroutine publishes it, from the first line
// until Close.
type Log struct {
	ctx     context.Context //nolint:containedctx // of the attempt: nothing is said after it
	cancel  context.CancelFunc
	mask    *mask.Mask
	publish Publish
	wake    chan struct{} // there is something to do
	done    chan struct{} // closed when the goroutine has ended; nil: it never began

	mu      sync.Mutex
	step    deploy.Step
	budget  budget
	waiting []waiting
	bytes   int // that wait
	dropped int // lines that are not published, of which nothing tells yet
	last    int // number of the last line that was taken
	hurry   bool
	closed  bool
}

type waiting struct {
	Line
	step deploy.Step
}

// New returns the log of an attempt, in which nothing is left of what the mask hides.
// Publishing ends with ctx.
func New(ctx context.Context, m *mask.Mask, publish Publish) *Log {
	ctx, cancel := context.WithCancel(ctx)
	return &Log{ctx: ctx, cancel: cancel, mask: m, publish: publish, wake: make(chan struct{}, 1)}
}

// Step says that this step begins. Its predecessor's last lines go on without delay.
func (l *Log) Step(step deploy.Step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.endStep()
	l.step = step
}

// Close waits until all that was said is stored, for closeWait at most, and returns how
// many lines are not. Nothing may be said after it.
func (l *Log) Close() (lost int) {
	l.mu.Lock()
	l.endStep()
	l.note()
	l.closed = true
	done := l.done
	l.mu.Unlock()
	defer l.cancel()
	if done == nil {
		return 0
	}
	l.rouse()
	enough := time.NewTimer(closeWait)
	defer enough.Stop()
	select {
	case <-done:
	case <-enough.C:
		l.cancel()
		<-done
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped + len(l.waiting)
}

func (l *Log) say(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.budget.take(line) {
		l.enqueue(line)
	}
}

// wanted is how many of the lines that come at once are wanted; 0: all are.
func (l *Log) wanted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.budget.spent() {
		return tailLines + 1 // the last one may not be whole yet
	}
	return 0
}

// pass says that lines were passed over since they are not wanted.
func (l *Log) pass(lines, bytes int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.budget.pass(lines, bytes)
}

// endStep passes on what was kept of the end of the step. The caller holds mu.
func (l *Log) endStep() {
	for _, line := range l.budget.end() {
		l.enqueue(line)
	}
	l.budget = budget{}
	if len(l.waiting) > 0 {
		l.hurry = true
		l.rouse()
	}
}

// enqueue has a line wait to be published, unless too much waits already: the broker
// is slow, or away. The caller holds mu.
func (l *Log) enqueue(line Line) {
	if l.closed {
		return
	}
	if l.bytes+len(line.Text) > maxWaiting {
		l.dropped++
		return
	}
	l.note()
	l.push(line)
}

// note tells of lines that were dropped. The caller holds mu.
func (l *Log) note() {
	if l.dropped == 0 {
		return
	}
	text := fmt.Sprintf("%d lines are missing here: the message broker did not take them", l.dropped)
	l.dropped = 0
	l.push(Line{Time: time.Now().UTC(), Stream: Slipway, Level: Warn, Text: text})
}

func (l *Log) push(line Line) {
	l.waiting, l.bytes = append(l.waiting, waiting{line, l.step}), l.bytes+len(line.Text)
	if l.done == nil {
		l.done = make(chan struct{})
		go l.run(l.done)
	}
	l.rouse()
}

func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run publishes until all is said or ctx ends.
func (l *Log) run(done chan<- struct{}) {
	defer close(done)
	for l.ctx.Err() == nil {
		l.gather()
		b, more := l.take()
		if len(b.Lines) > 0 {
			if err := l.publish(l.ctx, b); err != nil {
				l.mu.Lock()
				l.dropped += len(b.Lines)
				l.mu.Unlock()
			}
		}
		if !more {
			return
		}
	}
}

// gather returns when there is a batch to publish, or nothing more to come.
func (l *Log) gather() {
	var due <-chan time.Time
	for {
		l.mu.Lock()
		ready := l.closed || l.hurry || l.bytes >= batchBytes || len(l.waiting) >= batchLines
		waits := len(l.waiting) > 0
		l.mu.Unlock()
		if ready {
			return
		}
		if waits && due == nil {
			timer := time.NewTimer(batchWait)
			defer timer.Stop()
			due = timer.C
		}
		select {
		case <-l.wake:
		case <-due:
			return
		case <-l.ctx.Done():
			return
		}
	}
}

// take takes a batch, and says whether there may be more.
func (l *Log) take() (b Batch, more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, size := 0, 0
	for n < len(l.waiting) && n < batchLines && l.waiting[n].step == l.waiting[0].step {
		if size += len(l.waiting[n].Text); size > batchBytes && n > 0 {
			break
		}
		b.Lines = append(b.Lines, l.waiting[n].Line)
		l.bytes -= len(l.waiting[n].Text)
		n++
	}
	if n > 0 {
		b.Step, b.First = l.waiting[0].step, l.last+1
		l.last += n
	}
	if l.waiting = l.waiting[n:]; len(l.waiting) == 0 {
		l.waiting, l.hurry = nil, false
	}
	return b, !l.closed || len(l.waiting) > 0
}
