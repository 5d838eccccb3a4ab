package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	tryTimeout  = 5 * time.Second // one request; a broker that is there answers in milliseconds
	firstPause  = 50 * time.Millisecond
	longestWait = time.Second
)

// Stored is a message as it lies in a stream.
type Stored struct {
	Seq     uint64
	ID      string // message id
	Subject string
	Data    []byte
	At      time.Time // when it was stored

	// What Follow knows besides: messages on these subjects that the stream held beyond it.
	Behind uint64

	mark bool // it stands in a bucket where a value was deleted
}

// Publish stores the message and returns its sequence, repeating until it is
// durable or ctx ends (ErrUnavailable). A message that an earlier try stored may
// be stored again after the stream's window for duplicates: readers take
// repeats.
func (b *Bus) Publish(ctx context.Context, subject, id string, data []byte) (uint64, error) {
	return b.publish(ctx, subject, id, data)
}

// Append stores the message if the last one on the subject has the sequence
// last (0: there is none), repeating until it is durable or ctx ends
// (ErrUnavailable). It returns the sequence, or ErrConflict where another
// message came first; an earlier try of the same message id is no conflict.
func (b *Bus) Append(ctx context.Context, stream, subject string, last uint64, id string, data []byte) (uint64, error) {
	seq, err := b.publish(ctx, subject, id, data, jetstream.WithExpectLastSequencePerSubject(last))
	if !errors.Is(err, ErrConflict) {
		return seq, err
	}
	have, lastErr := b.Last(ctx, stream, subject)
	switch {
	case lastErr == nil && have.ID == id && have.Seq > last:
		return have.Seq, nil
	case lastErr != nil && !errors.Is(lastErr, ErrNone):
		return 0, lastErr // whose message it is remains unknown
	}
	return 0, err
}

// Offer stores a job for a host, for the executors of its zone, unless one is
// stored already (ErrOccupied), be it for those of another zone.
//
// The job carries no message id: the server forgets those of a work queue over
// a restart, and within the window one would swallow a job that was lost.
func (b *Bus) Offer(ctx context.Context, zone, host string, data []byte) error {
	// The stream refuses a second message on one subject. That there is none on
	// those of other zones is asked for with each job; the server decides both.
	nowhere := jetstream.WithExpectLastSequenceForSubject(0, contract.AnyJobSubject(host))
	_, err := b.publish(ctx, contract.JobSubject(zone, host), "", data, nowhere)
	if errors.Is(err, ErrConflict) {
		return errors.Join(ErrOccupied, err)
	}
	return err
}

// Remove takes the message of this sequence out of a stream. That it is gone
// already is no error.
func (b *Bus) Remove(ctx context.Context, stream string, seq uint64) error {
	return repeat(ctx, func(ctx context.Context) error {
		err := classify(b.streams[stream].DeleteMsg(ctx, seq))
		if err == nil || retryable(err) {
			return err
		}
		// The server has several words for a message that is gone.
		if _, there := b.streams[stream].GetMsg(ctx, seq); errors.Is(classify(there), ErrNone) {
			return nil
		}
		return err
	})
}

// Last returns the last message on the subject (which may hold wildcards), or
// ErrNone. Those who ask for one subject at the same time share what is read, which is not
// older than the question of any, and which none of them may change.
func (b *Bus) Last(ctx context.Context, stream, subject string) (Stored, error) {
	return b.lasts.look(ctx, stream+" "+subject, func(ctx context.Context) (got Stored, err error) {
		err = b.ask(ctx, func(ctx context.Context) error {
			msg, err := b.streams[stream].GetLastMsgForSubject(ctx, subject)
			if err != nil {
				return classify(err)
			}
			got = storedOf(msg)
			return nil
		})
		return got, err
	})
}

// Next returns the first message after this sequence on the subject (which may hold
// wildcards), or ErrNone.
func (b *Bus) Next(ctx context.Context, stream, subject string, after uint64) (Stored, error) {
	var got Stored
	err := repeat(ctx, func(ctx context.Context) error {
		msg, err := b.streams[stream].GetMsg(ctx, after+1, jetstream.WithGetMsgSubject(subject))
		if err != nil {
			return classify(err)
		}
		got = storedOf(msg)
		return nil
	})
	return got, err
}

func storedOf(msg *jetstream.RawStreamMsg) Stored {
	return Stored{
		Seq: msg.Sequence, ID: msg.Header.Get(nats.MsgIdHdr), Subject: msg.Subject, Data: msg.Data, At: msg.Time,
		mark: IsMark(msg.Header),
	}
}

func (b *Bus) publish(ctx context.Context, subject, id string, data []byte, opts ...jetstream.PublishOpt) (uint64, error) {
	if id != "" {
		opts = append(opts, jetstream.WithMsgID(id))
	}
	opts = append(opts, jetstream.WithRetryAttempts(0)) // repeats are ours
	var seq uint64
	err := repeat(ctx, func(ctx context.Context) error {
		ack, err := b.js.Publish(ctx, subject, data, opts...)
		if err != nil {
			return classifyPublish(err)
		}
		seq = ack.Sequence
		return nil
	})
	return seq, err
}

func classifyPublish(err error) error {
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == codeMaxPerSubject && api.Description == "maximum messages per subject exceeded" {
		return errors.Join(ErrOccupied, err)
	}
	return classify(err)
}

// repeat calls fn until it succeeds, fails for good, or ctx ends; then the last
// error is returned. Each call has a bound of its own.
func repeat(ctx context.Context, fn func(context.Context) error) error {
	return repeatWithin(ctx, tryTimeout, fn)
}

func repeatWithin(ctx context.Context, bound time.Duration, fn func(context.Context) error) error {
	pause := firstPause
	for {
		try, cancel := ctx, context.CancelFunc(func() {})
		if bound > 0 {
			try, cancel = context.WithTimeout(ctx, bound)
		}
		err := fn(try)
		cancel()
		if err == nil || !retryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(pause):
			pause = min(2*pause, longestWait)
		}
	}
}

func retryable(err error) bool { return Unavailable(err) }

// Unavailable says whether an error of nats.go or of this package means that the
// broker does not answer: the same request may succeed once it does.
func Unavailable(err error) bool { return err != nil && errors.Is(classify(err), ErrUnavailable) }

// Repeat calls fn until it succeeds or fails for another reason than that the
// broker does not answer, or ctx ends; then it returns the last error. It is for
// what this package has no words for. Each call has no bound but ctx.
func Repeat(ctx context.Context, fn func(context.Context) error) error {
	return repeatWithin(ctx, 0, fn)
}
