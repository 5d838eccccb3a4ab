package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	pollFor    = 20 * time.Second // one pull request; the next follows at once
	lastAnswer = time.Second      // for an answer that is under way when the work ends
)

// source is a consumer that messages are taken from, by one worker or several.
type source struct {
	bus      *Bus
	consumer jetstream.Consumer
	result   nats.ConnErrHandler // told how each request went
}

func (b *Bus) from(c jetstream.Consumer) *source {
	info := c.CachedInfo()
	return &source{bus: b, consumer: c, result: onceEach(func(err error) {
		b.log.Warn().Err(err).Str("stream", info.Stream).Str("consumer", info.Name).Msg("cannot take messages")
	})}
}

// next waits for up to n messages and returns as soon as there is one. When it
// cannot, as while the broker is away, it pauses before it returns none.
func (s *source) next(ctx context.Context, n int) []*Delivery {
	era, leave := s.bus.connection.within(ctx)
	defer leave()
	poll, cancel := context.WithTimeout(era, pollFor)
	defer cancel()
	var got []*Delivery
	batch, err := s.consumer.Fetch(n, jetstream.FetchContext(poll), jetstream.FetchHeartbeat(5*time.Second))
	if err == nil {
		got = s.bus.collect(batch)
		err = batch.Error()
	}
	if poll.Err() != nil { // by itself, or with the connection: that says nothing
		return got
	}
	s.tell(ctx, err)
	if err != nil && len(got) == 0 {
		select {
		case <-ctx.Done():
		case <-time.After(firstPause * 4):
		}
	}
	return got
}

// ready returns up to n of the messages that are there. It hears the broker out: what is
// sent to a request that was given up rests with nobody until its ack wait is over.
func (s *source) ready(ctx context.Context, n int) []*Delivery {
	if ctx.Err() != nil {
		return nil
	}
	era, leave := s.bus.connection.within(context.WithoutCancel(ctx))
	defer leave()
	answer, cancel := context.WithTimeout(era, pollFor)
	defer cancel()
	hurry := context.AfterFunc(ctx, func() { time.AfterFunc(lastAnswer, cancel) })
	defer hurry()
	var got []*Delivery
	err := s.bus.pull(answer, s.consumer, n, func(msg *nats.Msg, meta *nats.MsgMetadata) error {
		got = append(got, &Delivery{nc: s.bus.nc, subject: msg.Subject, reply: msg.Reply, data: msg.Data, received: time.Now(), Seq: meta.Sequence.Stream, First: meta.NumDelivered == 1})
		return nil
	})
	if era.Err() != nil { // the connection is another by now: that says nothing
		return got
	}
	s.tell(ctx, err)
	return got
}

// tell says what is wrong, if that is new, and mends what can be mended. That
// there is no connection is said elsewhere.
func (s *source) tell(ctx context.Context, err error) {
	if err != nil {
		if !s.bus.Connected() {
			return
		}
		if cause := s.mend(ctx); cause != nil {
			err = cause
		}
		if ctx.Err() != nil {
			return
		}
	}
	s.result(s.bus.nc, err)
}

// mend makes the consumer anew if there is none: somebody deleted it, and a
// request to it would never be answered. It gets all that is in the stream, which
// workers must bear anyway. The error is why there is none still.
func (s *source) mend(ctx context.Context) error {
	info := s.consumer.CachedInfo()
	_, err := s.bus.js.Consumer(ctx, info.Stream, info.Name)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // it is there, or that cannot be known now
	}
	if _, err := s.bus.js.CreateOrUpdateConsumer(ctx, info.Stream, info.Config); err != nil {
		return err
	}
	s.bus.log.Warn().Str("stream", info.Stream).Str("consumer", info.Name).Msg("the consumer was gone and is made anew")
	return nil
}

func (b *Bus) collect(batch jetstream.MessageBatch) []*Delivery {
	var got []*Delivery
	for msg := range batch.Messages() {
		if meta, err := msg.Metadata(); err == nil {
			got = append(got, &Delivery{nc: b.nc, subject: msg.Subject(), reply: msg.Reply(), data: msg.Data(), received: time.Now(), Seq: meta.Sequence.Stream, First: meta.NumDelivered == 1})
		}
	}
	return got
}
