package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// aheadMessages and aheadBytes bound what a reader has waiting in its process.
	aheadMessages = 500
	aheadBytes    = 8 << 20
	// readerBeat is the broker's heartbeat while there is nothing to read; two missed ones
	// make the consumer anew.
	readerBeat = 5 * time.Second
	// readerGone is after how long the broker removes the consumer of a reader that
	// has gone.
	readerGone = time.Minute
)

// errCut ends a reader whose connection broke.
var errCut = errors.New("the connection broke")

// Follow gives fn every message that is stored on these subjects (which may hold
// wildcards) after this sequence, in order and without a gap, what is there already
// first. It returns fn's first error, that of ctx once that has ended, or, when the
// connection broke, ErrUnavailable: what the stream is by then is for the caller to
// look at, who may follow it again from the last sequence that he was given.
func (b *Bus) Follow(ctx context.Context, stream string, subjects []string, after uint64, fn func(Stored) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	broken := b.nc.StatusChanged(nats.RECONNECTING, nats.CLOSED)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		<-broken // closed by RemoveStatusListener, too
		cancel(errCut)
	}()
	defer func() { b.nc.RemoveStatusListener(broken); <-watched }()
	if !b.nc.IsConnected() {
		return fmt.Errorf("%w: %w", ErrUnavailable, errCut)
	}
	messages, consumer, err := b.openReader(ctx, stream, subjects, after)
	if err != nil {
		return err
	}
	defer b.closeReader(ctx, stream, messages, consumer)
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		switch cause := context.Cause(ctx); {
		case errors.Is(cause, errCut):
			return fmt.Errorf("%w: %w", ErrUnavailable, errCut)
		case cause != nil:
			return cause
		case err != nil:
			return fmt.Errorf("read %s: %w", stream, classify(err))
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		err = fn(Stored{
			Seq: meta.Sequence.Stream, ID: msg.Headers().Get(nats.MsgIdHdr), Subject: msg.Subject(), Data: msg.Data(),
			At: meta.Timestamp.UTC(), Behind: meta.NumPending,
		})
		if err != nil {
			return err
		}
	}
}

func (b *Bus) openReader(ctx context.Context, stream string, subjects []string, after uint64) (jetstream.MessagesContext, jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	consumer, err := b.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: subjects, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after + 1,
		// One try alone: a longer one would not end with ctx.
		MaxResetAttempts: 1, InactiveThreshold: readerGone,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", stream, classify(err))
	}
	messages, err := consumer.Messages(
		jetstream.PullMaxMessagesWithBytesLimit(aheadMessages, aheadBytes), jetstream.PullHeartbeat(readerBeat))
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", stream, classify(err))
	}
	return messages, consumer, nil
}

// closeReader removes the consumer, too: many readers that come and go would leave more
// behind than a stream may have.
func (b *Bus) closeReader(ctx context.Context, stream string, messages jetstream.MessagesContext, consumer jetstream.Consumer) {
	messages.Stop()
	if !b.nc.IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTimeout)
	defer cancel()
	_ = b.js.DeleteConsumer(ctx, stream, consumer.CachedInfo().Name) // else it goes by itself
}
