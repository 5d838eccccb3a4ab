package fold

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	createTimeout = 5 * time.Second
	// prefetch bounds what waits in this process, in messages and in bytes: a
	// plan may have a megabyte.
	prefetch      = 500
	prefetchBytes = 8 << 20
	// heartbeat of the broker while there is nothing to read; two missed ones
	// make the consumer anew.
	heartbeat = 5 * time.Second
	// unusedFor is after how long the broker removes the consumer of a reader
	// that is gone.
	unusedFor = time.Minute
)

// awaitConnection returns nil once there is a connection to the broker.
func awaitConnection(ctx context.Context, nc *nats.Conn) error {
	changes := nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer nc.RemoveStatusListener(changes)
	if !nc.IsConnected() {
		select {
		case <-changes:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if nc.IsClosed() {
		return nats.ErrConnectionClosed
	}
	return nil
}

// tail reads the events after this sequence, in order and without a gap, and
// gives them to out. It returns why it ended: when ctx did, or when the
// connection broke.
func tail(ctx context.Context, b *bus.Bus, after uint64, out chan<- Entry) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// The consumer would go on by itself over a broken connection, but without a
	// look at what it is connected to then.
	broken := b.Conn().StatusChanged(nats.RECONNECTING, nats.CLOSED)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		<-broken // closed by RemoveStatusListener
		cancel(errDisconnected)
	}()
	defer func() { b.Conn().RemoveStatusListener(broken); <-watched }()
	if !b.Connected() {
		return errDisconnected
	}
	messages, err := open(ctx, b, after)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read events: %w", err)
		}
		e := Decode(meta.Sequence.Stream, msg.Subject(), msg.Data())
		e.Behind = meta.NumPending
		select {
		case out <- e:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func open(ctx context.Context, b *bus.Bus, after uint64) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, createTimeout)
	defer cancel()
	consumer, err := b.JetStream().OrderedConsumer(ctx, contract.StreamEvents, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   after + 1,
		// One try alone: a longer one would not end with ctx.
		MaxResetAttempts:  1,
		InactiveThreshold: unusedFor,
	})
	if err != nil {
		return nil, fmt.Errorf("consumer of events: %w", err)
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(prefetch, prefetchBytes), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return nil, fmt.Errorf("consumer of events: %w", err)
	}
	return messages, nil
}
