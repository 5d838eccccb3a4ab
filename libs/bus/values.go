package bus

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// below is where the subjects of a bucket's values begin.
func below(bucket string) string { return "$KV." + bucket + "." }

// IsMark says whether these are the headers of what stands in a bucket where a value was
// deleted (NATS ADR-8).
func IsMark(h nats.Header) bool {
	return h.Get("KV-Operation") != "" || h.Get(jetstream.MarkerReasonHeader) != ""
}

// Values gives fn what stands in a bucket under the keys that match one of the filters, and
// stops at fn's first error: each key once, in no order, with a value that it had during the
// call. A key that is there all the while is given, however often its value changes; what is
// made or deleted meanwhile may be.
//
// A value that changes goes to the end of its stream. What nats.go lists ends where the
// broker counts none to come, which it may do between the old value and the new:
// https://github.com/nats-io/nats-server/issues/4824.
func (b *Bus) Values(ctx context.Context, bucket string, filters []string, fn func(Stored) error) error {
	return b.values(ctx, bucket, filters, jetstream.ConsumerConfig{}, fn)
}

func (b *Bus) values(ctx context.Context, bucket string, filters []string, what jetstream.ConsumerConfig, fn func(Stored) error) error {
	r := reading{stream: "KV_" + bucket, seen: map[string]bool{}, fn: fn}
	for _, f := range filters {
		r.subjects = append(r.subjects, below(bucket)+f)
	}
	what.OptStartSeq, what.FilterSubjects = 1, r.subjects
	if err := b.scan(ctx, r.stream, what, math.MaxUint64, r.take); err != nil {
		return err
	}
	if whole, err := b.isWhole(ctx, &r); whole || err != nil {
		return err
	}
	return b.readUnseen(ctx, &r)
}

// reading is what was read of a bucket.
type reading struct {
	stream   string
	subjects []string
	seen     map[string]bool // by subject; whether its value was given
	last     uint64          // sequence
	fn       func(Stored) error
}

func (r *reading) take(s Stored) error {
	r.last = s.Seq
	if given := r.seen[s.Subject]; given || s.mark {
		r.seen[s.Subject] = given
		return nil
	}
	r.seen[s.Subject] = true
	return r.fn(s)
}

// isWhole says whether nothing was stored behind what was read: then all of it was read, in
// order.
func (b *Bus) isWhole(ctx context.Context, r *reading) (bool, error) {
	for _, subject := range r.subjects {
		_, err := b.Next(ctx, r.stream, subject, r.last)
		if err == nil {
			return false, nil
		}
		if !errors.Is(err, ErrNone) {
			return false, fmt.Errorf("read %s: %w", r.stream, err)
		}
	}
	return true, nil
}

// readUnseen reads one by one what was behind each time the reading came by.
func (b *Bus) readUnseen(ctx context.Context, r *reading) error {
	for _, filter := range r.subjects {
		var info *jetstream.StreamInfo
		err := repeat(ctx, func(ctx context.Context) (err error) {
			info, err = b.streams[r.stream].Info(ctx, jetstream.WithSubjectFilter(filter))
			return classify(err)
		})
		if err != nil {
			return fmt.Errorf("read %s: %w", r.stream, err)
		}
		for subject := range info.State.Subjects {
			if _, seen := r.seen[subject]; seen {
				continue
			}
			s, err := b.Last(ctx, r.stream, subject)
			if errors.Is(err, ErrNone) {
				continue
			}
			if err == nil {
				err = r.take(s)
			}
			if err != nil {
				return fmt.Errorf("read %s: %w", r.stream, err)
			}
		}
	}
	return nil
}
