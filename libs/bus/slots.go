package bus

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
)

// WorkAll is Work for several consumers, which share the slots: no fewer than
// there are consumers.
//
// While little is to be done, each consumer holds one slot, in which it waits
// for a message: none is kept from its next message by the others. Where more
// messages are there, it takes free slots, one after the other; where slots are
// short, those that come free go to the consumers in turn.
func (b *Bus) WorkAll(ctx context.Context, all []jetstream.Consumer, slots int, handle func(*Delivery)) {
	p := &pool{slots: make(chan struct{}, slots), handle: handle}
	for range all { // before any of them finds more to do
		p.slots <- struct{}{}
	}
	for _, c := range all {
		from := b.from(c)
		p.all.Go(func() { p.wait(ctx, from) })
	}
	p.all.Wait()
}

// pool is slots in which messages are asked for and handled: whoever holds a
// slot has one message, or has asked for one.
type pool struct {
	slots  chan struct{} // full: none is free. Who waits for one gets it in turn
	handle func(*Delivery)
	all    sync.WaitGroup
}

// wait takes messages as they come, each in the slot in which it was waited for. It
// begins with a slot of its own.
func (p *pool) wait(ctx context.Context, from *source) {
	for ctx.Err() == nil {
		p.work(ctx, from, from.next(ctx, 1))
		select {
		case <-ctx.Done():
			return
		case p.slots <- struct{}{}:
		}
	}
	p.free()
}

// work handles the message that a slot was taken for, if there is one, and frees
// the slot. Where one message was, there may be more: meanwhile another free slot
// is used to see.
func (p *pool) work(ctx context.Context, from *source, got []*Delivery) {
	for _, d := range got {
		p.all.Go(func() {
			defer p.free()
			p.handle(d)
		})
	}
	if len(got) == 0 {
		p.free()
		return
	}
	select {
	case p.slots <- struct{}{}:
		p.all.Go(func() { p.work(ctx, from, from.ready(ctx, 1)) })
	default:
	}
}

func (p *pool) free() { <-p.slots }
