package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	scanBatch = 500
	scanIdle  = 30 * time.Second
)

// Scan gives fn what is stored on these subjects (which may hold wildcards) when it is called, in the order in which it
// was stored, and stops at fn's first error. It costs a round trip for some hundred messages and not one for each; what is
// stored meanwhile may be among them.
func (b *Bus) Scan(ctx context.Context, stream string, subjects []string, fn func(Stored) error) error {
	return b.ScanAfter(ctx, stream, 0, subjects, fn)
}

// ScanAfter is Scan of what was stored after this sequence. Without subjects, it is of all.
func (b *Bus) ScanAfter(ctx context.Context, stream string, after uint64, subjects []string, fn func(Stored) error) error {
	return b.scan(ctx, stream, jetstream.ConsumerConfig{OptStartSeq: after + 1, FilterSubjects: subjects}, math.MaxUint64, fn)
}

// ScanUpTo is ScanAfter of what was stored up to the sequence last, on all subjects. It has the broker send nothing that
// lies beyond, where nothing was removed from between.
func (b *Bus) ScanUpTo(ctx context.Context, stream string, after, last uint64, fn func(Stored) error) error {
	if last <= after {
		return nil
	}
	err := b.scan(ctx, stream, jetstream.ConsumerConfig{OptStartSeq: after + 1}, last-after, func(s Stored) error {
		if s.Seq > last {
			return errPast
		}
		return fn(s)
	})
	if errors.Is(err, errPast) {
		return nil
	}
	return err
}

// errPast ends a scan: what follows is not asked for.
var errPast = errors.New("past what is asked for")

// scan gives fn at most so many messages of those that what says, from its OptStartSeq on.
func (b *Bus) scan(ctx context.Context, stream string, what jetstream.ConsumerConfig, most uint64, fn func(Stored) error) error {
	what.DeliverPolicy, what.AckPolicy = jetstream.DeliverByStartSequencePolicy, jetstream.AckNonePolicy
	what.MemoryStorage, what.Replicas, what.InactiveThreshold = true, 1, scanIdle
	consumer, err := b.js.CreateConsumer(ctx, stream, what)
	if err != nil {
		return fmt.Errorf("scan %s: %w", stream, classify(err))
	}
	info := consumer.CachedInfo()
	defer func() {
		brief, cancel := context.WithTimeout(context.WithoutCancel(ctx), tryTimeout)
		defer cancel()
		_ = b.js.DeleteConsumer(brief, stream, info.Name) // or it goes by itself
	}()
	most = min(most, info.NumPending)
	for left := most; left > 0; {
		read, pending, err := b.scanSome(ctx, consumer, int(min(left, scanBatch)), fn)
		if err != nil {
			return fmt.Errorf("scan %s: %w", stream, err)
		}
		if read == 0 { // what was counted was removed meanwhile
			return nil
		}
		most -= uint64(read)
		left = min(pending, most)
	}
	return nil
}

// scanSome gives fn at most so many messages. It returns how many these were, and how many are left.
func (b *Bus) scanSome(ctx context.Context, consumer jetstream.Consumer, most int, fn func(Stored) error) (read int, left uint64, err error) {
	try, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	var stop error
	err = b.pull(try, consumer, most, func(msg *nats.Msg, meta *nats.MsgMetadata) error {
		read, left = read+1, meta.NumPending
		stop = fn(Stored{Seq: meta.Sequence.Stream, Subject: msg.Subject, Data: msg.Data, At: meta.Timestamp.UTC(), mark: IsMark(msg.Header)})
		return stop
	})
	if stop != nil {
		return read, left, stop
	}
	return read, left, classify(err)
}

// Drop removes everything that is stored on the subject.
func (b *Bus) Drop(ctx context.Context, stream, subject string) error {
	return repeat(ctx, func(ctx context.Context) error {
		return classify(b.streams[stream].Purge(ctx, jetstream.WithPurgeSubject(subject)))
	})
}
