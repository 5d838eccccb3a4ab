package webhooks

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// Ledger is the deliveries. While one is under way it stands in HOOKS, but for its first moments: under "event." where the
// courier made it, and under "asked." where a gateway did because a person asked, so that the courier can look for those.
// One that has ended is in HOOKED, which keeps the last of each webhook: of those that are dead, as many as may wait, however
// many are delivered (Delivery.subject).
type Ledger struct {
	bus   *bus.Bus
	cells *bus.Cells[Delivery]

	mu    sync.Mutex
	ended uint64
}

const (
	ofEvents = "event."
	ofPeople = "asked."
	stream   = "KV_" + contract.BucketHooks
	subjects = "$KV." + contract.BucketHooks + "."

	// deadParts is over how many subjects the dead ones of a webhook are spread. The stream keeps 1,000 of each subject, and
	// they are never spread evenly: 20,000 are kept.
	deadParts = 32
)

// OpenLedger opens the deliveries.
func OpenLedger(ctx context.Context, b *bus.Bus) (*Ledger, error) {
	cells, err := bus.OpenCells[Delivery](ctx, b, contract.BucketHooks)
	if err != nil {
		return nil, err
	}
	return &Ledger{bus: b, cells: cells}, nil
}

// Entry is a delivery that is under way, and where it stands.
type Entry struct {
	Key string
	Rev uint64 // 0: it is not stored
	Delivery
}

// Unstored is a delivery of the courier's that is not stored yet.
func Unstored(d Delivery) Entry { return Entry{Key: d.key(ofEvents), Delivery: d} }

func (d Delivery) key(prefix string) string {
	return prefix + d.Webhook + "." + d.Lane + "." + d.Order
}

// Add stores a delivery of the courier's. One that is there already stays as it is (bus.ErrConflict).
func (l *Ledger) Add(ctx context.Context, d Delivery) (Entry, error) { return l.add(ctx, ofEvents, d) }

func (l *Ledger) add(ctx context.Context, prefix string, d Delivery) (Entry, error) {
	key := d.key(prefix)
	rev, err := l.cells.Create(ctx, key, d)
	return Entry{key, rev, d}, err
}

// Get returns a delivery that is under way, or bus.ErrNone.
func (l *Ledger) Get(ctx context.Context, key string) (Entry, error) {
	d, rev, err := l.cells.Get(ctx, key)
	return Entry{key, rev, d}, err
}

// Set stores how a delivery stands, if it has the revision still (bus.ErrConflict).
func (l *Ledger) Set(ctx context.Context, e Entry) (rev uint64, err error) {
	return l.cells.Set(ctx, e.Key, e.Delivery, e.Rev)
}

// End moves a delivery that has ended to those that have. It may come to stand there twice; what is read is the last.
func (l *Ledger) End(ctx context.Context, e Entry) error {
	if err := l.Record(ctx, e.Delivery); err != nil {
		return err
	}
	return l.Remove(ctx, e)
}

// Ended is the place of the last delivery that this gateway knows to have ended. What ends later has a greater one.
func (l *Ledger) Ended() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// EndedAfter gives fn the deliveries that ended after this place.
func (l *Ledger) EndedAfter(ctx context.Context, place uint64, fn func(Delivery)) error {
	return l.bus.ScanAfter(ctx, contract.StreamHooked, place, []string{contract.HookedAll, contract.HookedDeadAll}, func(s bus.Stored) error {
		var d Delivery
		err := json.Unmarshal(s.Data, &d)
		if err == nil {
			fn(d)
		}
		return err
	})
}

// Record puts a delivery to those that have ended.
func (l *Ledger) Record(ctx context.Context, d Delivery) error {
	data, err := json.Marshal(d)
	if err != nil {
		return err
	}
	place, err := l.bus.Publish(ctx, d.subject(), xid.New().String(), data)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = max(l.ended, place)
	return err
}

// subject is where a delivery goes that has ended. What became of a replay is kept beside what may have been dead before:
// where it went sooner, that would be seen again.
func (d Delivery) subject() string {
	if d.State == Dead || d.Replays > 0 {
		return contract.HookedDeadSubject(d.Webhook, deadPart(d.ID))
	}
	return contract.HookedSubject(d.Webhook)
}

// deadPart is the part of a webhook's dead ones that a delivery belongs to, whenever it dies.
func deadPart(id string) string {
	sum := sha256.Sum256([]byte(id)) // spreads all ids alike
	return strconv.Itoa(int(sum[0]) % deadParts)
}

// Remove takes a delivery of this revision from those under way, where it is stored.
func (l *Ledger) Remove(ctx context.Context, e Entry) error {
	if e.Rev == 0 {
		return nil
	}
	return l.bus.Remove(ctx, stream, e.Rev)
}

// Under gives fn every delivery that is under way.
func (l *Ledger) Under(ctx context.Context, fn func(Entry)) error {
	return l.under(ctx, []string{ofEvents + ">", ofPeople + ">"}, fn)
}

func (l *Ledger) under(ctx context.Context, filters []string, fn func(Entry)) error {
	return l.bus.Values(ctx, contract.BucketHooks, filters, func(s bus.Stored) error {
		e, err := entryOf(s)
		if err == nil {
			fn(e)
		}
		return err
	})
}

func entryOf(s bus.Stored) (Entry, error) {
	e := Entry{Key: strings.TrimPrefix(s.Subject, subjects), Rev: s.Seq}
	if err := json.Unmarshal(s.Data, &e.Delivery); err != nil {
		return e, fmt.Errorf("read the delivery %s: %w", e.Key, err)
	}
	return e, nil
}

// NextAsked returns the first delivery that a person asked for after this revision, or bus.ErrNone.
func (l *Ledger) NextAsked(ctx context.Context, after uint64) (Entry, error) {
	s, err := l.bus.Next(ctx, stream, subjects+ofPeople+">", after)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(s)
}

// of returns the deliveries to a webhook, newest first: those under way, and the last of those that have ended; of the dead
// ones, this part ("*": all).
func (l *Ledger) of(ctx context.Context, webhook, part string) ([]Delivery, error) {
	byID := map[string]Delivery{}
	below := webhook + ".>"
	// In the order in which they go, so that none is missed.
	err := l.under(ctx, []string{ofEvents + below, ofPeople + below}, func(e Entry) { byID[e.ID] = e.Delivery })
	if err != nil {
		return nil, err
	}
	ended := []string{contract.HookedSubject(webhook), contract.HookedDeadSubject(webhook, part)}
	err = l.bus.Scan(ctx, contract.StreamHooked, ended, func(s bus.Stored) error {
		var d Delivery
		err := json.Unmarshal(s.Data, &d)
		if have, ok := byID[d.ID]; !ok || d.Replays >= have.Replays { // else it is under way again
			byID[d.ID] = d
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(byID), func(a, b Delivery) int { return cmp.Compare(b.Place(), a.Place()) }), nil
}

// Place says where a delivery stands in a list: newer ones have greater places.
func (d Delivery) Place() string {
	return sequence(uint64(max(d.CreatedAt.UnixMilli(), 0))) + d.Order + d.ID
}

// Page is a part of the deliveries to a webhook. What is empty is no condition.
type Page struct {
	Seen  func(Delivery) bool // those that may be shown
	State DeliveryState
	After string // place of the last one of the page before
	Limit int
}

// Page returns a page of the deliveries to a webhook, newest first, and whether there are more.
func (l *Ledger) Page(ctx context.Context, webhook string, p Page) (found []Delivery, more bool, err error) {
	all, err := l.of(ctx, webhook, "*")
	if err != nil {
		return nil, false, err
	}
	for _, d := range all {
		if p.State != "" && d.State != p.State || p.After != "" && d.Place() >= p.After || p.Seen != nil && !p.Seen(d) {
			continue
		}
		if len(found) == p.Limit {
			return found, true, nil
		}
		found = append(found, d)
	}
	return found, false, nil
}

// Find returns a delivery to a webhook, or ErrNoDelivery.
func (l *Ledger) Find(ctx context.Context, webhook, id string) (Delivery, error) {
	all, err := l.of(ctx, webhook, deadPart(id))
	for _, d := range all {
		if d.ID == id {
			return d, err
		}
	}
	if err == nil {
		err = ErrNoDelivery
	}
	return Delivery{}, err
}

// Replay has a delivery that has ended sent again, with the same id. What the request of this id has asked for by an earlier
// attempt is asked for. It fails with ErrNoDelivery, or ErrState where it is waiting.
func (l *Ledger) Replay(ctx context.Context, webhook, id, request string, now time.Time) (Delivery, error) {
	d, err := l.Find(ctx, webhook, id)
	if err != nil || d.Request == request {
		return d, err
	}
	if d.State == Waiting {
		return d, fmt.Errorf("%w: the delivery is waiting", ErrState)
	}
	return l.ask(ctx, d.again(request, now))
}

// Test has an event without meaning sent to a webhook, once for the request of this id; an earlier attempt of it may have
// asked for that already.
func (l *Ledger) Test(ctx context.Context, w Webhook, installation, request string, now time.Time) (Delivery, error) {
	e := Event{
		ID: "test-" + request, Type: TypeTest, Time: now, Data: map[string]string{"webhook": w.ID}, Traceparent: observe.Traceparent(ctx),
	}
	if d, err := l.Find(ctx, w.ID, e.ID); !errors.Is(err, ErrNoDelivery) {
		return d, err
	}
	body, err := e.Body(installation)
	if err != nil {
		return Delivery{}, err
	}
	d := e.Of(w, body, now)
	d.Request = request
	return l.ask(ctx, d)
}

func (l *Ledger) ask(ctx context.Context, d Delivery) (Delivery, error) {
	e, err := l.add(ctx, ofPeople, d)
	if !errors.Is(err, bus.ErrConflict) {
		return e.Delivery, err
	}
	if have, err := l.Get(ctx, e.Key); err == nil && have.Request == d.Request {
		return have.Delivery, nil // an earlier try of the same write
	}
	return d, fmt.Errorf("%w: the delivery is waiting", ErrState)
}

// Forget removes what is kept of deliveries to a webhook that is no more. What is under way the courier removes.
func (l *Ledger) Forget(ctx context.Context, webhook string) error {
	return errors.Join(
		l.bus.Drop(ctx, contract.StreamHooked, contract.HookedSubject(webhook)),
		l.bus.Drop(ctx, contract.StreamHooked, contract.HookedDeadSubject(webhook, "*")),
	)
}
