package courier

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/webhooks"
)

const (
	maxBatch   = 256 // events of one write of the record
	addsAtOnce = 32  // deliveries that are being stored

	// wantedEvery is how often it is looked at who wants which events, where none of those that are read comes.
	wantedEvery = time.Second
)

// router makes deliveries of events.
type router struct {
	bus      *bus.Bus
	store    *webhooks.Store
	ledger   *webhooks.Ledger
	office   *office
	duty     *duty
	stories  *stories
	headways *headways
	max      int // deliveries that may wait for one receiver
	atOnce   int // deliveries to one receiver
	log      zerolog.Logger

	at    uint64     // the event up to which deliveries were made
	loads chan *load // over which the record is to move
	past  past
}

// run reads EV from where the record stands, until open ends or the record is another's.
func (r *router) run(s span) error {
	for s.open.Err() == nil {
		err := r.follow(s)
		switch {
		case errors.Is(err, errDeposed):
			return err
		case !errors.Is(err, errFilters) && s.open.Err() == nil:
			r.log.Warn().Err(err).Msg("events cannot be read for webhooks; it is tried again")
			pause(s.open, time.Second)
		}
	}
	return nil
}

// follow reads the events that somebody wants until others are wanted.
func (r *router) follow(s span) error {
	if err := r.skip(s.open); err != nil {
		return err
	}
	hosts := r.store.WantsHosts()
	events, stop := r.read(s.open, hosts)
	defer stop()
	look := time.NewTicker(wantedEvery)
	defer look.Stop()
	for {
		batch, err := gather(s.open, events, look.C)
		if err != nil {
			return err
		}
		// After this, everybody is known who was there when these events were stored.
		if err := r.store.Refresh(s.open); err != nil {
			return err
		}
		if r.store.WantsHosts() != hosts {
			return errFilters
		}
		if len(batch) == 0 {
			continue
		}
		if err := r.route(s, batch); err != nil {
			return err
		}
	}
}

// skip waits until there are webhooks, and moves the record on to the first event that one may be told of.
func (r *router) skip(ctx context.Context) error {
	for {
		since, any := r.store.First()
		switch {
		case any && since <= r.at:
			return nil
		case any: // of what was made before, nobody is left to be told
			r.at = since
			return r.duty.write(ctx, func(d *record) { d.Seq = max(d.Seq, since) })
		}
		if !pause(ctx, time.Second) {
			return ctx.Err()
		}
		if err := r.store.Refresh(ctx); err != nil {
			return err
		}
	}
}

// event is one that was read, or why there are no more.
type event struct {
	stored bus.Stored
	err    error
}

// read reads the events that follow in order. stop ends it and waits.
func (r *router) read(ctx context.Context, hosts bool) (events <-chan event, stop func()) {
	filters := []string{contract.EventsOfSys}
	if hosts {
		filters = append(filters, contract.EventsOfJobs)
	}
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan event, maxBatch)
	after := r.at
	go func() {
		defer close(out)
		err := r.bus.Follow(ctx, contract.StreamEvents, filters, after, func(stored bus.Stored) error {
			select {
			case out <- event{stored: stored}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		select {
		case out <- event{err: err}:
		case <-ctx.Done():
		}
	}()
	return out, func() {
		cancel()
		for range out { // until the reader has ended
		}
	}
}

// gather waits for an event and returns it with those that are there already, or none where it is time to look first.
func gather(ctx context.Context, events <-chan event, look <-chan time.Time) ([]bus.Stored, error) {
	var batch []bus.Stored
	for {
		var got event
		var open bool
		if len(batch) == 0 {
			select {
			case got, open = <-events:
			case <-look:
				return nil, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		} else {
			select {
			case got, open = <-events:
			default:
				return batch, nil
			}
		}
		if !open || got.err != nil {
			if len(batch) > 0 { // first what was read; the error comes again
				return batch, nil
			}
			return nil, errors.Join(errors.New("no more events"), got.err)
		}
		if batch = append(batch, got.stored); len(batch) == maxBatch {
			return batch, nil
		}
	}
}

// route makes the deliveries of these events and has them sent. Once none of them would be lost, the record moves on.
func (r *router) route(s span, batch []bus.Stored) error {
	l := newLoad(batch[len(batch)-1].Seq, max(r.ledger.Ended(), r.duty.stands().Ended))
	made, over, err := r.make(s.open, batch)
	if err != nil {
		return err
	}
	l.over = over
	plans := r.plan(r.past.left(made))
	entries, err := r.add(s.work, plans)
	if err != nil {
		return err
	}
	r.at = l.seq
	if r.at >= r.past.upTo {
		r.past = past{}
	}
	for i, e := range entries { // in order, since sending begins
		switch {
		case plans[i].prompt:
			r.office.takeUnstored(s, webhooks.Unstored(plans[i].Delivery), l)
		case e != nil:
			r.office.take(s, *e, e.Rev > 0)
		}
	}
	l.less()
	select {
	case r.loads <- l:
		return nil
	case <-s.open.Done():
		return s.open.Err()
	}
}

// make returns the deliveries of these events, and the callbacks that are told of nothing after them.
func (r *router) make(ctx context.Context, batch []bus.Stored) (made []webhooks.Delivery, over []string, err error) {
	audience := r.store.Audience()
	for _, stored := range batch {
		m, err := contract.Decode(stored.Data)
		if err != nil { // history sets it aside, too
			continue
		}
		d, ended, err := r.formed(ctx, audience, stored.Seq, m)
		if err != nil {
			return nil, nil, err
		}
		made = append(made, d...)
		over = append(over, ended...)
		e, told, err := r.stories.tell(ctx, stored.Seq, m)
		if err != nil {
			return nil, nil, err
		}
		if !told {
			continue
		}
		receivers := audience.Of(e)
		if len(receivers) == 0 {
			continue
		}
		body, err := e.Body(r.bus.Installation())
		if err != nil {
			return nil, nil, err
		}
		for _, w := range receivers {
			made = append(made, e.Of(w, body, time.Now()))
			if e.Last && w.Deployment != "" {
				over = append(over, w.ID)
			}
		}
	}
	return made, over, nil
}

// formed returns the delivery to the callback of the event's deployment that is told in a form, if there is something to
// tell, and that callback where nothing follows.
func (r *router) formed(ctx context.Context, audience webhooks.Audience, seq uint64, m contract.Message) (made []webhooks.Delivery, over []string, err error) {
	w, formed := audience.Formed(m.Deployment, seq)
	if !formed {
		return nil, nil, nil
	}
	d, told, err := r.headways.tell(ctx, w, seq, m)
	if told {
		made = append(made, d)
	}
	if _, last := m.Body.(contract.ConcludedEvent); last {
		over = append(over, w.ID)
	}
	return made, over, err
}

// plan is how a delivery begins.
type plan struct {
	webhooks.Delivery
	prompt bool // it is sent without being stored first
	full   bool // too many wait already
}

// plan says how these deliveries begin. One that will likely have ended in a moment is stored only then: of three writes,
// two would be for nothing. Of those of which the broker may have some already, none is such.
func (r *router) plan(made []webhooks.Delivery) []plan {
	plans := make([]plan, len(made))
	room, waiting := r.office.room(), map[string]int{}
	for i, d := range made {
		if _, known := waiting[d.Webhook]; !known {
			waiting[d.Webhook] = r.office.waiting(d.Webhook)
		}
		waiting[d.Webhook]++
		n := waiting[d.Webhook]
		w, _ := r.store.Known(d.Webhook)
		under := r.past.under[webhooks.Unstored(d).Key] // and found room then
		plans[i] = plan{Delivery: d, full: n > r.max && !under}
		if room > 0 && n <= r.atOnce && !plans[i].full && w.State == webhooks.Active && !under {
			plans[i].prompt = true
			room--
		}
	}
	return plans
}

// add stores the deliveries that are not sent without; of those that are not to be sent either it returns nil.
func (r *router) add(ctx context.Context, plans []plan) ([]*webhooks.Entry, error) {
	entries := make([]*webhooks.Entry, len(plans))
	all, ctx := errgroup.WithContext(ctx)
	all.SetLimit(addsAtOnce)
	for i, p := range plans {
		if p.prompt {
			continue
		}
		all.Go(func() (err error) {
			entries[i], err = r.addOne(ctx, p.Delivery, p.full)
			return err
		})
	}
	return entries, all.Wait()
}

// addOne stores a delivery, or notes that it is dead where too many wait. It returns nil where nothing is to be sent.
func (r *router) addOne(ctx context.Context, d webhooks.Delivery, full bool) (*webhooks.Entry, error) {
	if full {
		d = d.End(webhooks.Dead, time.Now())
		d.Last = &webhooks.Attempt{At: d.EndedAt, Error: "not tried: too many deliveries wait for this receiver"}
		err := r.ledger.Record(ctx, d)
		if err == nil {
			r.office.cfg.Seen.Deliveries.WithLabelValues(string(d.State)).Inc()
		}
		return nil, err
	}
	e, err := r.ledger.Add(ctx, d)
	if errors.Is(err, bus.ErrConflict) { // a courier before this one came so far
		e.Rev, err = 0, nil
	}
	return &e, err
}

// pause waits for so long, and says whether ctx goes on.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
