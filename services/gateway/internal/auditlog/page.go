package auditlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/audit"
	"github.com/slipway-deploy/slipway/libs/audit/chain"
	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	maxLooked  = 5_000     // entries that one page looks at; a filter may leave few of them
	maxAtOnce  = 500       // messages that are read at once from the end to the beginning
	outOfOrder = time.Hour // by which the times of entries may be: clocks differ, and a broker may be away
)

// Query is which entries are asked for. What is empty is no condition.
type Query struct {
	Actor   string // id or name
	Action  string // or all of a kind: deployments.*
	Object  string // id, or kind, or id of what came of it
	Outcome audit.Outcome
	From    time.Time
	To      time.Time // exclusive
	Oldest  bool      // first; else the newest are
	After   Place     // of the page before
	Limit   int
}

// Place is where a page ends: at an entry, in a message of the stream. The zero place is where the log begins, or ends.
type Place struct{ Entry, Message uint64 }

// String is the place as text.
func (p Place) String() string { return fmt.Sprintf("%d.%d", p.Entry, p.Message) }

// ParsePlace reads what String has written.
func ParsePlace(text string) (p Place, ok bool) {
	if _, err := fmt.Sscanf(text, "%d.%d", &p.Entry, &p.Message); err != nil {
		return Place{}, false
	}
	return p, p.Message > 0 && p.String() == text
}

// Page returns a page of entries as they are stored, and where the next one begins; the zero place: there are no more. A
// page may hold few entries, or none, and there be more all the same: what it reads is bounded, however long the log is and
// however little of it is asked for. After a place beyond the end it begins at the end.
func (l *Log) Page(ctx context.Context, q Query) ([]json.RawMessage, Place, error) {
	last, err := l.bus.Last(ctx, contract.StreamAudit, chain.Subject)
	if errors.Is(err, bus.ErrNone) {
		return nil, Place{}, nil
	}
	if err != nil {
		return nil, Place{}, err
	}
	p := pager{Query: q}
	if q.Oldest {
		err = l.forwards(ctx, &p, last.Seq)
	} else {
		err = l.backwards(ctx, &p, last.Seq)
	}
	if errors.Is(err, errFull) {
		return p.found, p.at, nil
	}
	return p.found, Place{}, err
}

// errFull ends reading: there may be more.
var errFull = errors.New("the page is full")

// errPast ends reading: what follows is not asked for.
var errPast = errors.New("past what is asked for")

func (l *Log) forwards(ctx context.Context, p *pager, last uint64) (err error) {
	first := p.After.Message
	if first > last { // its place was never given out
		return nil
	}
	if first == 0 && !p.From.IsZero() {
		if first, err = l.seek(ctx, p.From.Add(-outOfOrder), last); err != nil {
			return err
		}
	}
	err = l.bus.ScanAfter(ctx, contract.StreamAudit, max(first, 1)-1, nil, func(s bus.Stored) error {
		for _, line := range chain.Lines(s.Data) {
			if err := p.take(s.Seq, line); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, errPast) {
		return nil
	}
	return err
}

func (l *Log) backwards(ctx context.Context, p *pager, last uint64) (err error) {
	high := min(p.After.Message, last) // whoever asks may have made up their place
	if high == 0 {
		high = last
		if !p.To.IsZero() {
			if high, err = l.seek(ctx, p.To.Add(outOfOrder), last); err != nil {
				return err
			}
		}
	}
	for read := uint64(0); high > 0; {
		count := min(p.next(read), high)
		some, err := l.some(ctx, high-count, high)
		if err != nil {
			return err
		}
		for _, s := range slices.Backward(some) {
			for _, line := range slices.Backward(chain.Lines(s.Data)) {
				if err := p.take(s.Seq, line); errors.Is(err, errPast) {
					return nil
				} else if err != nil {
					return err
				}
			}
		}
		high, read = high-count, read+count
	}
	return nil
}

// some returns the messages after one sequence up to another.
func (l *Log) some(ctx context.Context, after, last uint64) (all []bus.Stored, err error) {
	err = l.bus.ScanUpTo(ctx, contract.StreamAudit, after, last, func(s bus.Stored) error {
		all = append(all, s)
		return nil
	})
	return all, err
}

// seek returns the first message that begins at this time or later, or the last one.
func (l *Log) seek(ctx context.Context, at time.Time, last uint64) (uint64, error) {
	low, high := uint64(1), last
	for low < high {
		middle := low + (high-low)/2
		s, err := l.bus.Next(ctx, contract.StreamAudit, chain.Subject, middle-1)
		if err != nil {
			return 0, err
		}
		var e audit.Entry
		if json.Unmarshal(chain.Lines(s.Data)[0], &e) == nil && e.Time.Before(at) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// pager collects what is asked for.
type pager struct {
	Query
	found  []json.RawMessage
	at     Place // of the last entry that it has looked at
	looked int
}

// next returns how many messages to read at once, after so many: at first a page full of entries, which each hold one at
// least; then what there is still to look at, if they go on to hold as many entries each.
func (p *pager) next(read uint64) uint64 {
	if read == 0 {
		return uint64(min(max(p.Limit, 1), maxAtOnce))
	}
	left, each := uint64(maxLooked-p.looked), (uint64(p.looked)+read-1)/read
	return min(max(left/max(each, 1), 1), maxAtOnce)
}

func (p *pager) take(message uint64, line []byte) error {
	var e audit.Entry
	if err := json.Unmarshal(line, &e); err != nil {
		// No gateway has written this. Whoever verifies the log must come to see it.
		e = audit.Entry{Seq: p.at.Entry}
		line, _ = json.Marshal(string(line)) //nolint:errchkjson // a string
	} else if p.before(e.Seq, message) {
		return nil
	}
	if p.looked == maxLooked || len(p.found) == p.Limit {
		return errFull
	}
	switch {
	case p.Oldest && !p.To.IsZero() && e.Time.After(p.To.Add(outOfOrder)),
		!p.Oldest && !p.From.IsZero() && e.Seq > 0 && e.Time.Before(p.From.Add(-outOfOrder)):
		return errPast
	}
	p.looked, p.at = p.looked+1, Place{e.Seq, message}
	if p.matches(e) {
		p.found = append(p.found, line)
	}
	return nil
}

// before says whether an entry stood on a page before.
func (p *pager) before(seq, message uint64) bool {
	switch {
	case p.After.Message != message:
		return false
	case p.Oldest:
		return seq <= p.After.Entry
	default:
		return seq >= p.After.Entry
	}
}

func (q Query) matches(e audit.Entry) bool {
	who, about := audit.Actor{}, audit.Object{}
	if e.Actor != nil {
		who = *e.Actor
	}
	if e.Object != nil {
		about = *e.Object
	}
	kind, all := strings.CutSuffix(q.Action, "*")
	return (q.Actor == "" || q.Actor == who.ID || q.Actor == who.Name) &&
		(q.Action == "" || q.Action == e.Action || all && strings.HasPrefix(e.Action, kind)) &&
		(q.Object == "" || q.Object == about.ID || q.Object == about.Kind || q.Object == e.Made) &&
		(q.Outcome == "" || q.Outcome == e.Outcome) &&
		(q.From.IsZero() || !e.Time.Before(q.From)) && (q.To.IsZero() || e.Time.Before(q.To))
}
