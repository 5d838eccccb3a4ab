package courier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/xid"
	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/telemetry"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	lookEvery = 250 * time.Millisecond // for what people ask for
	grace     = 5 * time.Second        // for what is being sent when the gateway stops
	leaveFor  = 2 * time.Second        // to give the record up
)

// Courier is one gateway's part in telling webhooks.
type Courier struct {
	cfg    Config
	bus    *bus.Bus
	cells  *bus.Cells[record]
	store  *webhooks.Store
	ledger *webhooks.Ledger
	names  func(ctx context.Context, server string) string
	log    zerolog.Logger

	mu     sync.Mutex
	office *office // nil: this gateway carries no webhooks
}

// Open returns a courier. names knows servers by their ids, or returns "".
func Open(ctx context.Context, b *bus.Bus, cfg Config, store *webhooks.Store, ledger *webhooks.Ledger, names func(context.Context, string) string, log zerolog.Logger) (*Courier, error) {
	if cfg.Seen == nil {
		cfg.Seen = telemetry.New(nil)
	}
	cells, err := bus.OpenCells[record](ctx, b, contract.BucketHooks)
	if err != nil {
		return nil, err
	}
	return &Courier{cfg: cfg, bus: b, cells: cells, store: store, ledger: ledger, names: names, log: log}, nil
}

// Run is the courier whenever no other gateway is, until ctx ends and what was being sent then has come to its end or was
// cut off.
func (c *Courier) Run(ctx context.Context) {
	var seen watch
	for ctx.Err() == nil {
		d, err := c.take(ctx, &seen)
		switch {
		case err != nil && ctx.Err() == nil:
			c.log.Warn().Err(err).Msg("who carries webhooks cannot be found out")
		case d != nil:
			c.serve(ctx, d)
			seen = watch{}
		}
		pause(ctx, c.cfg.Beat)
	}
}

// take makes this gateway the courier if none is, and returns nil if one is.
func (c *Courier) take(ctx context.Context, seen *watch) (*duty, error) {
	have, rev, err := c.cells.Get(ctx, dutyKey)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return nil, err
	}
	if rev != 0 && !seen.free(have, rev, time.Now(), silence*c.cfg.Beat) {
		return nil, nil //nolint:nilnil // nobody is wrong: another has it
	}
	d := &duty{cells: c.cells, have: have, rev: rev}
	err = d.write(ctx, func(r *record) {
		if r.EV != c.bus.Installation() {
			r.Seq, r.EV = 0, c.bus.Installation()
		}
		r.Holder = xid.New().String()
	})
	if errors.Is(err, errDeposed) {
		return nil, nil //nolint:nilnil // likewise
	}
	return d, err
}

// serve is the courier until ctx ends, or another gateway may be.
func (c *Courier) serve(ctx context.Context, d *duty) {
	work, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	open, stop := context.WithCancel(work)
	defer context.AfterFunc(ctx, stop)()
	s := span{open, work}
	sender := newSender(c.cfg)
	defer sender.close()
	o := newOffice(c.cfg, c.store, c.ledger, sender, c.log)
	c.opens(o)
	defer c.opens(nil)
	r := &router{
		bus: c.bus, store: c.store, ledger: c.ledger, office: o, duty: d, max: c.cfg.Waiting, atOnce: c.cfg.AtOnce, log: c.log,
		at: d.stands().Seq, loads: make(chan *load, maxLoads),
		stories:  &stories{bus: c.bus, names: c.names, kept: map[string]about{}},
		headways: &headways{bus: c.bus, forms: c.cfg.Forms, kept: map[string]*headway{}},
	}
	c.log.Info().Uint64("seq", d.stands().Seq).Msg("this gateway carries webhooks")

	var all sync.WaitGroup
	all.Go(func() { c.beat(work, d, cut) })
	var parts sync.WaitGroup
	run := func(part func(span) error) {
		parts.Go(func() {
			defer stop()
			if err := part(s); err != nil && open.Err() == nil {
				c.log.Warn().Err(err).Msg("this gateway stops carrying webhooks")
				cut(err)
			}
		})
	}
	var err error
	if r.past, err = c.resume(s, o, d.stands()); err != nil && open.Err() == nil {
		c.log.Warn().Err(err).Msg("deliveries that are under way cannot be read")
		cut(err)
	}
	run(r.run)
	run(r.move)
	run(func(s span) error { return c.look(s, o) })
	parts.Wait()
	defer time.AfterFunc(grace, func() { cut(context.Canceled) }).Stop()
	o.all.Wait()
	c.leave(ctx, work, d)
	cut(nil)
	all.Wait()
}

// opens notes the office that this gateway has; nil: it has none.
func (c *Courier) opens(o *office) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.office = o
}

// Waiting is how many deliveries are under way, and whether this gateway carries them.
func (c *Courier) Waiting() (deliveries int, carries bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.office == nil {
		return 0, false
	}
	return c.office.under(), true
}

// beat says that this gateway is there, and ends work before another may think that it is not.
func (c *Courier) beat(work context.Context, d *duty, cut context.CancelCauseFunc) {
	limit := fence * c.cfg.Beat
	expired := time.AfterFunc(d.left(limit), func() { cut(errDeposed) })
	defer expired.Stop()
	for pause(work, c.cfg.Beat/2) {
		switch err := d.write(work, func(*record) {}); {
		case err == nil:
			expired.Reset(d.left(limit))
		case errors.Is(err, errDeposed):
			cut(errDeposed)
			return
		}
	}
}

// resume has sent what a courier before this one left under way, up to the event in the record. What lies beyond the router
// comes to; resume returns what became of it so far.
func (c *Courier) resume(s span, o *office, r record) (past, error) {
	p := past{ended: map[string]bool{}, under: map[string]bool{}}
	if err := c.store.Refresh(s.open); err != nil {
		return p, err
	}
	var stored []webhooks.Entry
	err := c.ledger.Under(s.open, func(e webhooks.Entry) {
		e.Body = nil // it is read again when its turn comes
		stored = append(stored, e)
	})
	if err != nil {
		return p, err
	}
	ended := map[identity]int{} // how often it had been replayed
	err = c.ledger.EndedAfter(s.open, r.Ended, func(d webhooks.Delivery) {
		ended[identityOf(d)] = d.Replays
		if d.Seq() > r.Seq {
			p.note(p.ended, webhooks.Unstored(d))
		}
	})
	if err != nil {
		return p, err
	}
	var under []webhooks.Entry
	for _, e := range stored {
		replays, over := ended[identityOf(e.Delivery)]
		switch {
		case over && replays >= e.Replays: // its courier was killed before it took it out, and nobody else would
			if err := c.ledger.Remove(s.open, e); err != nil {
				return p, err
			}
		case e.Seq() > r.Seq:
			p.note(p.under, e)
		default:
			under = append(under, e)
		}
	}
	// They stand in HOOKS as they were stored or tried last: of a lane, the first must be known first.
	slices.SortFunc(under, func(a, b webhooks.Entry) int { return cmp.Compare(a.Order, b.Order) })
	for _, e := range under {
		o.take(s, e, false)
	}
	return p, nil
}

// identity tells a delivery from all others. A replay of it has the same.
type identity struct{ webhook, event string }

func identityOf(d webhooks.Delivery) identity { return identity{d.Webhook, d.ID} }

// look sees to what people and the webhooks' own states ask for.
func (c *Courier) look(s span, o *office) error {
	var after uint64
	for n := 0; pause(s.open, lookEvery); n++ {
		var err error
		if after, err = c.asked(s, o, after); err == nil && n%4 == 0 {
			err = errors.Join(c.store.Refresh(s.open), c.tell(s, o))
			o.wake()
		}
		if err != nil && s.open.Err() == nil {
			c.log.Warn().Err(err).Msg("what is asked of webhooks cannot be read; it is tried again")
			pause(s.open, time.Second)
		}
	}
	return nil
}

// asked takes the deliveries that people asked for after this revision.
func (c *Courier) asked(s span, o *office, after uint64) (uint64, error) {
	for {
		e, err := c.ledger.NextAsked(s.open, after)
		if errors.Is(err, bus.ErrNone) {
			return after, nil
		}
		if err != nil {
			return after, err
		}
		after = e.Rev
		o.take(s, e, false)
	}
}

// tell tells others of the webhooks that Slipway has stopped.
func (c *Courier) tell(s span, o *office) error {
	for _, w := range c.store.Untold() {
		e := stopped(w)
		body, err := e.Body(c.bus.Installation())
		if err != nil {
			return err
		}
		for _, other := range c.store.Audience().Of(e) {
			if other.ID == w.ID {
				continue
			}
			entry, err := c.ledger.Add(s.work, e.Of(other, body, time.Now()))
			if err != nil && !errors.Is(err, bus.ErrConflict) {
				return err
			}
			o.take(s, entry, err == nil)
		}
		if err := c.store.Told(s.work, w); err != nil {
			return err
		}
	}
	return nil
}

// stopped is the event that a webhook was stopped.
func stopped(w webhooks.Webhook) webhooks.Event {
	typ := webhooks.TypePaused
	if w.State == webhooks.Disabled {
		typ = webhooks.TypeDisabled
	}
	return webhooks.Event{
		ID: fmt.Sprintf("%s-%d", w.ID, w.Stopped.At.UnixMilli()), Type: typ, Time: w.Stopped.At,
		Data: map[string]string{"webhook": w.ID, "owner": w.Owner, "state": string(w.State), "reason": w.Stopped.Reason},
	}
}

// leave lets another gateway take over at once.
func (c *Courier) leave(ctx, work context.Context, d *duty) {
	if errors.Is(context.Cause(work), errDeposed) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveFor)
	defer cancel()
	_ = d.write(ctx, func(r *record) { r.Holder = "" }) // without it, the others wait out the silence
}
