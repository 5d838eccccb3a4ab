package courier

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

// maxBodies is how many deliveries are in memory with their bodies, which are the same for all receivers of an event. What
// waits beyond is read again when its turn comes.
const maxBodies = 10_000

// parcel is a delivery under way as it is held in memory: small, since many may wait.
type parcel struct {
	key   string
	lane  string
	order string
	due   time.Time
	entry *webhooks.Entry // nil: to be read

	storing sync.Mutex // held while how it stands is stored
	load    *load      // that waits for it to be stored or to end; nil: it need not wait any more
	rev     uint64     // that it was stored with for the load
}

// office has a queue for each webhook that something is under way to.
type office struct {
	cfg    Config
	store  *webhooks.Store
	ledger *webhooks.Ledger
	sender *sender
	log    zerolog.Logger
	places chan struct{} // held by each delivery that is being sent

	mu     sync.Mutex
	queues map[string]*queue
	keys   map[string]struct{} // of everything that is under way
	bodies int
	all    sync.WaitGroup
}

func newOffice(cfg Config, store *webhooks.Store, ledger *webhooks.Ledger, s *sender, log zerolog.Logger) *office {
	return &office{
		cfg: cfg, store: store, ledger: ledger, sender: s, log: log,
		places: make(chan struct{}, cfg.InFlight), queues: map[string]*queue{}, keys: map[string]struct{}{},
	}
}

// waiting is how many deliveries are under way to a webhook.
func (o *office) waiting(webhook string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q := o.queues[webhook]; q != nil {
		return q.size
	}
	return 0
}

// under is how many deliveries are under way to all webhooks.
func (o *office) under() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.keys)
}

// room is how many more deliveries may be in memory with their bodies.
func (o *office) room() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maxBodies - o.bodies
}

// take has a delivery sent that is stored. One that is under way already is left alone. fresh says that it was stored just
// now.
func (o *office) take(s span, e webhooks.Entry, fresh bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &parcel{key: e.Key, lane: e.Lane, order: e.Order, due: e.Next}
	if fresh && o.bodies < maxBodies {
		p.entry = &e
	}
	o.put(s, e.Webhook, p)
}

// takeUnstored has a delivery of a load sent that is not stored. One that is under way already is left alone.
func (o *office) takeUnstored(s span, e webhooks.Entry, l *load) {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &parcel{key: e.Key, lane: e.Lane, order: e.Order, due: e.Next, entry: &e, load: l}
	if o.put(s, e.Webhook, p) {
		l.add(p)
	}
}

// put gives a delivery to its queue, unless it is under way already. The caller holds mu.
func (o *office) put(s span, webhook string, p *parcel) bool {
	if _, ok := o.keys[p.key]; ok {
		return false
	}
	o.keys[p.key] = struct{}{}
	if p.entry != nil {
		o.bodies++
	}
	q := o.queues[webhook]
	if q == nil {
		q = newQueue(o, webhook)
		o.queues[webhook] = q
		o.all.Go(func() { q.run(s) })
	}
	q.size++
	q.inbox = append(q.inbox, p)
	q.wake()
	return true
}

// wake has all queues look at their webhooks again.
func (o *office) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, q := range o.queues {
		q.wake()
	}
}

// dropped notes that a delivery is not under way any more.
func (o *office) dropped(q *queue, p *parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.keys, p.key)
	q.size--
	o.forgetBody(p)
}

func (o *office) forget(p *parcel) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.forgetBody(p)
}

func (o *office) forgetBody(p *parcel) {
	if p.entry != nil {
		p.entry = nil
		o.bodies--
	}
}

// retire ends a queue in which nothing is left, unless something has come in.
func (o *office) retire(q *queue) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q.size > 0 {
		return false
	}
	delete(o.queues, q.webhook)
	return true
}

// deliver tries a delivery once and stores how it went.
func (o *office) deliver(ctx context.Context, p *parcel) (outcome, error) {
	e, err := o.load(ctx, p)
	if errors.Is(err, bus.ErrNone) { // another gateway ended it
		return outcome{ended: true}, nil
	}
	if err != nil {
		return outcome{}, err
	}
	w, err := o.receiver(ctx, e.Webhook)
	switch {
	case errors.Is(err, webhooks.ErrNotFound):
		err := p.settle(e, func(e webhooks.Entry) error { return o.ledger.Remove(ctx, e) })
		return outcome{ended: err == nil}, err
	case err != nil:
		return outcome{}, err
	case w.State == webhooks.Disabled:
		e.Delivery = e.End(webhooks.Dead, time.Now())
		err := p.settle(e, func(e webhooks.Entry) error { return o.end(ctx, e) })
		return outcome{ended: err == nil}, err
	case !w.Hears(e.Delivery):
		e.Last = &webhooks.Attempt{At: time.Now().UTC().Truncate(time.Millisecond), Error: "the webhook is not told of this project any more"}
		e.Delivery = e.End(webhooks.Dead, time.Now())
		err := p.settle(e, func(e webhooks.Entry) error { return o.end(ctx, e) })
		return outcome{ended: err == nil}, err
	}
	a := o.sender.post(ctx, w, e.Delivery, time.Now())
	if ctx.Err() != nil && !a.good() { // it was cut off, and says nothing about the receiver
		return outcome{}, context.Cause(ctx)
	}
	o.cfg.count(a)
	e.Delivery = o.cfg.after(e.Delivery, a, time.Now(), jitter())
	if err := o.settle(ctx, p, e); errors.Is(err, bus.ErrConflict) { // another gateway has tried it, too
		return outcome{next: time.Now()}, nil
	} else if err != nil {
		return outcome{}, err
	}
	return outcome{next: e.Next, ended: e.State != webhooks.Waiting, good: a.good()}, o.note(ctx, w, e.Delivery, a)
}

// outcome is what comes of a try.
type outcome struct {
	next  time.Time // when to try again
	ended bool
	good  bool // the receiver took it
}

// settle stores how a delivery stands.
func (o *office) settle(ctx context.Context, p *parcel, e webhooks.Entry) error {
	return p.settle(e, func(e webhooks.Entry) error {
		switch {
		case e.State != webhooks.Waiting:
			return o.end(ctx, e)
		case e.Rev == 0:
			if _, err := o.ledger.Add(ctx, e.Delivery); err != nil && !errors.Is(err, bus.ErrConflict) {
				return err // it is in memory alone
			}
		default:
			if _, err := o.ledger.Set(ctx, e); err != nil {
				defer o.forget(p)
				return err
			}
		}
		o.forget(p) // until its turn comes again: that may take long, while others come and go
		return nil
	})
}

// end stores how a delivery ended.
func (o *office) end(ctx context.Context, e webhooks.Entry) error {
	err := o.ledger.End(ctx, e)
	if err == nil {
		o.cfg.Seen.Deliveries.WithLabelValues(string(e.State)).Inc()
	}
	return err
}

// secure stores a delivery that a load waits for.
func (o *office) secure(ctx context.Context, p *parcel) error {
	p.storing.Lock()
	defer p.storing.Unlock()
	if p.load == nil { // it has ended, or was tried
		return nil
	}
	e, err := o.ledger.Add(ctx, p.entry.Delivery)
	if errors.Is(err, bus.ErrConflict) { // with another gateway, or with a try of which the answer was lost
		e, err = o.ledger.Get(ctx, p.key)
	}
	if err == nil {
		p.rev = e.Rev
		p.unload()
	}
	return err
}

// settle has stored how the delivery stands, with the revision that it has by now.
func (p *parcel) settle(e webhooks.Entry, store func(webhooks.Entry) error) error {
	p.storing.Lock()
	defer p.storing.Unlock()
	if e.Rev == 0 {
		e.Rev = p.rev
	}
	err := store(e)
	if err == nil {
		p.unload()
	}
	return err
}

// unload tells the load that it need not wait any more. The caller holds storing.
func (p *parcel) unload() {
	if p.load != nil {
		p.load.less()
		p.load = nil
	}
}

// receiver returns the webhook, or webhooks.ErrNotFound where it is certain that there is none.
func (o *office) receiver(ctx context.Context, id string) (webhooks.Webhook, error) {
	if w, ok := o.store.Known(id); ok {
		return w, nil
	}
	w, _, err := o.store.Read(ctx, id)
	return w, err
}

func (o *office) load(ctx context.Context, p *parcel) (webhooks.Entry, error) {
	o.mu.Lock()
	have := p.entry
	o.mu.Unlock()
	if have != nil {
		return *have, nil
	}
	return o.ledger.Get(ctx, p.key)
}

// note stores what a try says about the receiver, where that is new.
func (o *office) note(ctx context.Context, w webhooks.Webhook, d webhooks.Delivery, a answer) error {
	if a.good() && w.Failing == nil {
		return nil
	}
	now := time.Now()
	next, _, err := o.store.Change(ctx, w.ID, 0, func(w webhooks.Webhook) (webhooks.Webhook, error) {
		return o.cfg.health(w, d, a, now), nil
	})
	if next.State != w.State && err == nil {
		o.log.Warn().Str("webhook", w.ID).Str("state", string(next.State)).Msg("a webhook was stopped, since its receiver fails")
		err = o.store.Refresh(ctx)
	}
	if errors.Is(err, webhooks.ErrNotFound) {
		err = nil
	}
	return err
}
