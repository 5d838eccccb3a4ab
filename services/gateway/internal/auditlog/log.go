package auditlog

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/audit/chain"
	"github.com/slipway-deploy/slipway/libs/bus"
)

const (
	maxWaiting = 4096            // entries that wait to be stored; further ones are refused, or lost and counted
	flushing   = 5 * time.Second // for what waits to be stored when the gateway stops
)

// Log is the audit log, as one gateway writes it.
type Log struct {
	bus   *bus.Bus
	log   zerolog.Logger
	flood *flood

	mu      sync.Mutex
	waiting []*Ticket
	lost    int // entries that there was no room for since the last one that there was
	closed  bool

	wake   chan struct{} // somebody waits
	cancel context.CancelFunc
	ended  sync.WaitGroup

	chain *chain.Chain // the writer's
}

// Open begins to write the log. It reads the end of the chain, waiting for the broker until ctx ends. The writer goes on
// until Close.
func Open(ctx context.Context, b *bus.Bus, log zerolog.Logger) (*Log, error) {
	l := &Log{bus: b, log: log, flood: newFlood(time.Now()), wake: make(chan struct{}, 1)}
	var err error
	if l.chain, err = chain.Open(ctx, b); err != nil {
		return nil, err
	}
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	l.ended.Go(func() { l.write(ctx) })
	return l, nil
}

// Close stores what waits, for some seconds, and ends the writer. What is asked for and told afterwards is not stored.
func (l *Log) Close() {
	l.tally(time.Time{})
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.rouse()
	late := time.AfterFunc(flushing, l.cancel)
	l.ended.Wait()
	late.Stop()
	l.cancel()
}

// Ticket is an entry on its way into the log.
type Ticket struct {
	entry  audit.Entry
	asked  *Ticket       // the one that says that this was asked for; nil: none does
	state  state         // under Log.mu
	stored chan struct{} // closed once it is
	seq    uint64        // that it is given; the writer's
}

type state int

const (
	waits state = iota
	taken       // by the writer: whether it is stored can only be waited for
	left        // nobody waits any more: it is not stored
)

// Ask says that something was asked for and is about to be done. It must not be before Wait has returned without an error.
func (l *Log) Ask(e audit.Entry) *Ticket {
	e.Outcome = audit.Asked
	t := &Ticket{entry: e, stored: make(chan struct{})}
	l.mu.Lock()
	if l.closed || len(l.waiting) >= maxWaiting {
		t.state = left
	} else {
		l.waiting = append(l.waiting, t)
	}
	l.mu.Unlock()
	l.rouse()
	return t
}

// Wait returns when the entry is stored, or fails with ErrNotStored when ctx ends before. It may be stored then all the
// same, if the broker had been given it.
func (l *Log) Wait(ctx context.Context, t *Ticket) error {
	l.mu.Lock()
	given := t.state != left
	l.mu.Unlock()
	if !given {
		return ErrNotStored
	}
	select {
	case <-t.stored:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.state == waits {
		t.state = left
	}
	return errors.Join(ErrNotStored, ctx.Err())
}

// Tell says what became of a call: of one that was asked for, if asked is not nil. It does not wait. Where asked is nil,
// nothing was changed, and it may be counted instead of stored.
func (l *Log) Tell(e audit.Entry, asked *Ticket) {
	if asked == nil && !l.flood.admit(e) {
		return
	}
	l.tell(e, asked)
}

func (l *Log) tell(e audit.Entry, asked *Ticket) {
	l.mu.Lock()
	if l.closed || len(l.waiting) >= maxWaiting {
		l.lost++
	} else {
		l.waiting = append(l.waiting, &Ticket{entry: e, asked: asked, stored: make(chan struct{})})
	}
	l.mu.Unlock()
}

func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}
