package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxWaiting is how many slots of all replicas may wait for a message. Beyond it
// the server would drop pull requests without a word; it cannot be changed once
// the consumer exists.
const maxWaiting = 100_000

// ConsumerConfig is how this system takes work: explicit acks, as many
// deliveries as it needs, no back-off by the server. Attempts are counted in the
// state, never in the delivery count.
func ConsumerConfig(durable, filter string, ackWait time.Duration) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: durable, FilterSubject: filter,
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
		MaxDeliver: -1, MaxAckPending: -1, MaxWaiting: maxWaiting,
	}
}

// Consumer creates the durable consumer, or joins it, waiting for the broker
// until ctx ends.
func (b *Bus) Consumer(ctx context.Context, stream string, cfg jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	var c jetstream.Consumer
	err := repeat(ctx, func(ctx context.Context) (err error) {
		c, err = b.js.CreateOrUpdateConsumer(ctx, stream, cfg)
		return classify(err)
	})
	if err != nil {
		return nil, fmt.Errorf("consumer %s on %s: %w", cfg.Durable, stream, err)
	}
	return c, nil
}

// Delivery is one message to work on. Exactly one of Done, Skip, Again and Reject
// is called, or none where the work was lost to another (ErrLeaseLost): then the
// broker delivers it again by itself.
type Delivery struct {
	nc       *nats.Conn
	subject  string
	reply    string // where it is acknowledged
	data     []byte
	received time.Time // the lease runs from here
	Seq      uint64
	First    bool // it was delivered to nobody before, as far as the consumer knows
}

// Subject is where the message was published.
func (d *Delivery) Subject() string { return d.subject }

// Data is the message.
func (d *Delivery) Data() []byte { return d.data }

// Done acknowledges the message and waits until the broker has noted that. It
// is called once everything that follows from the message is durable.
func (d *Delivery) Done(ctx context.Context) error {
	return repeat(ctx, func(ctx context.Context) error {
		_, err := d.nc.RequestWithContext(ctx, d.reply, []byte("+ACK"))
		return classify(err)
	})
}

// Skip acknowledges a message that asks for nothing. It does not wait: should
// the acknowledgement be lost, the message comes again and is skipped again.
func (d *Delivery) Skip() error { return d.nc.Publish(d.reply, []byte("+ACK")) }

// Again asks for another delivery after the pause.
func (d *Delivery) Again(pause time.Duration) error {
	return d.nc.Publish(d.reply, fmt.Appendf(nil, `-NAK {"delay": %d}`, pause.Nanoseconds()))
}

// Reject ends the message: no delivery of it can succeed.
func (d *Delivery) Reject(reason string) error { return d.nc.Publish(d.reply, []byte("+TERM "+reason)) }

// Hold keeps the message from being delivered to others while the work goes on,
// by heartbeats at a quarter of the ack wait. The context that it returns ends
// with ErrLeaseLost when no heartbeat was confirmed for 0.7 of the ack wait, the
// delivery counting as the first; whoever holds the context must do nothing
// more. Release ends the heartbeats.
//
// That nobody else was given the message by then holds only if this process was
// not frozen between the broker's sending and its own reading: the lease runs
// from the reading. So the lease spares two workers from meeting, and what keeps
// them apart where they do meet is the fence of what they work on.
func (d *Delivery) Hold(ctx context.Context, ackWait time.Duration) (held context.Context, release func()) {
	return HoldAll(ctx, []*Delivery{d}, ackWait)
}

// HoldAll is Hold for several messages at once: the context ends when the lease
// on any of them is lost.
func HoldAll(ctx context.Context, all []*Delivery, ackWait time.Duration) (held context.Context, release func()) {
	held, cancel := context.WithCancelCause(ctx)
	var beating sync.WaitGroup
	for _, d := range all {
		beating.Go(func() { d.beat(held, cancel, ackWait) })
	}
	return held, func() {
		cancel(context.Canceled)
		beating.Wait()
	}
}

func (d *Delivery) beat(ctx context.Context, cancel context.CancelCauseFunc, ackWait time.Duration) {
	every := ackWait / 4
	lease := ackWait * 7 / 10
	deadline := d.received.Add(lease)
	next := time.NewTimer(time.Until(d.received.Add(every)))
	defer next.Stop()
	expired := time.AfterFunc(time.Until(deadline), func() { cancel(ErrLeaseLost) })
	defer expired.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		asked := time.Now()
		try, stop := context.WithTimeout(ctx, min(every, deadline.Sub(asked))) // a lost one leaves time for the next
		_, err := d.nc.RequestWithContext(try, d.reply, []byte("+WPI"))
		stop()
		if err == nil && expired.Stop() {
			deadline = asked.Add(lease)
			expired.Reset(time.Until(deadline))
		}
		next.Reset(time.Until(asked.Add(every)))
	}
}

// Work gives each message of the consumer to handle, at most slots at once, and
// asks the broker for no more than there are free slots. It returns when ctx has
// ended and every handle has returned. handle's context does not end with ctx:
// what was begun is brought to an end by the caller's own means.
func (b *Bus) Work(ctx context.Context, c jetstream.Consumer, slots int, handle func(*Delivery)) {
	b.WorkAll(ctx, []jetstream.Consumer{c}, slots, handle)
}

// Batches gives the messages of the consumer to handle in batches: whatever is
// there, at most size, without waiting for more. It returns when ctx has ended
// and the last handle has returned.
func (b *Bus) Batches(ctx context.Context, c jetstream.Consumer, size int, handle func([]*Delivery)) {
	from := b.from(c)
	for ctx.Err() == nil {
		batch := from.ready(ctx, size)
		if len(batch) == 0 {
			batch = from.next(ctx, 1)
		}
		if len(batch) > 0 {
			handle(batch)
		}
	}
}
