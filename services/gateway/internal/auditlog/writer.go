package auditlog

import (
	"bytes"
	"context"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
)

const (
	maxBatch = 250                   // entries of one message: each is below 2 KB, and a message below 1 MB
	gather   = 10 * time.Millisecond // between two messages while many ask: the disk is what they wait for
	linger   = 50 * time.Millisecond // that what became of a call waits for others, or for something that is asked for
	retrying = time.Second
)

// write stores what waits, until ctx ends or the log is closed.
func (l *Log) write(ctx context.Context) {
	tick := time.NewTicker(linger)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.wake:
		case now := <-tick.C:
			l.tally(now)
		}
		many, closed := l.storeAll(ctx)
		if closed {
			return
		}
		if many {
			select {
			case <-ctx.Done():
			case <-time.After(gather):
			}
		}
	}
}

// storeAll stores everything that waits. It says whether more than one call was asked for, and whether the log is closed
// or ctx has ended.
func (l *Log) storeAll(ctx context.Context) (many, closed bool) {
	asked := 0
	for {
		batch, closed := l.take()
		if len(batch) == 0 {
			return asked > 1, closed
		}
		if !l.storeSurely(ctx, batch) {
			return false, true
		}
		for _, t := range batch {
			if t.entry.Outcome == audit.Asked {
				asked++
			}
		}
	}
}

// tally tells how many calls were counted instead of stored, where that has come to its end; the zero time ends it.
func (l *Log) tally(now time.Time) {
	for _, e := range l.flood.due(now) {
		l.tell(e, nil)
	}
}

// take takes what waits for the next message, without what nobody waits for any more.
func (l *Log) take() (batch []*Ticket, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) > 0 && len(batch) < maxBatch {
		t := l.waiting[0]
		l.waiting = l.waiting[1:]
		if t.state != waits {
			continue
		}
		if t.state = taken; t.asked != nil && t.asked.state != taken {
			t.asked = nil
		}
		batch = append(batch, t)
	}
	if l.lost > 0 && len(batch) > 0 && len(batch) < maxBatch {
		batch = append(batch, &Ticket{entry: lostEntry(l.lost), stored: make(chan struct{})})
		l.lost = 0
	}
	return batch, l.closed
}

// lostEntry says that there was no room for entries about calls that changed nothing, or of which it is recorded that they
// were asked for.
func lostEntry(n int) audit.Entry {
	return audit.Entry{Action: ActionLost, Outcome: audit.Failed, Count: n, Time: time.Now().UTC().Truncate(time.Millisecond)}
}

// ActionLost is the action of an entry for those that were lost while the broker was away.
const ActionLost = "audit.lost"

// storeSurely stores the entries, again and again while that fails. It says whether they are stored; they are not if ctx
// has ended.
func (l *Log) storeSurely(ctx context.Context, batch []*Ticket) bool {
	for {
		err := l.store(ctx, batch)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			l.log.Error().Err(err).Int("entries", len(batch)).Msg("the gateway stops without having stored what waited for the audit log")
			return false
		}
		l.log.Error().Err(err).Int("entries", len(batch)).Msg("the audit log cannot be written; it is tried again, and no change is accepted before")
		select {
		case <-ctx.Done():
		case <-time.After(retrying):
		}
	}
}

// store stores the entries as one message at the end of the chain, wherever that comes to be.
func (l *Log) store(ctx context.Context, batch []*Ticket) error {
	err := l.chain.Append(ctx, func(head audit.Head) ([]byte, audit.Head, error) { return link(head, batch) })
	if err != nil {
		return err
	}
	for _, t := range batch {
		close(t.stored)
	}
	return nil
}

// link links the entries to the head, a line each. What was asked for stands before what became of it.
func link(head audit.Head, batch []*Ticket) ([]byte, audit.Head, error) {
	var data bytes.Buffer
	for _, t := range batch {
		if t.asked != nil {
			t.entry.Asked = t.asked.seq
		}
		line, next, err := head.Link(t.entry)
		if err != nil {
			return nil, head, err
		}
		data.Write(line)
		data.WriteByte('\n')
		t.seq, head = next.Seq, next
	}
	return data.Bytes(), head, nil
}
