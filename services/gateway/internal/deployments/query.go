package deployments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// refused is an answer that a query cannot be answered.
type refused struct{ contract.Refused }

func (r refused) Error() string {
	switch err := r.Unwrap(); {
	case err == nil:
		return r.Code + ": " + r.Message
	case r.Code == contract.RefusedNotFound: // all is said
		return err.Error()
	default:
		return err.Error() + ": " + r.Message
	}
}

// Unwrap returns what the code means; nil where that is nothing known.
func (r refused) Unwrap() error { return meanings[r.Code] }

// ask sends a query and returns the body of the answer. It fails with
// ErrNoAnswer, or with a refused, which is ErrNotFound, ErrArchived, ErrState, ErrBusy
// or ErrNoAnswer where its code says so.
func ask[A contract.Body](ctx context.Context, d *Desk, subject string, e contract.Envelope, question contract.Body, limit time.Duration) (A, error) {
	var answer A
	e.Traceparent = observe.Traceparent(ctx)
	data, err := contract.Encode(e, question)
	if err != nil {
		return answer, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	reply, err := d.bus.Conn().RequestWithContext(ctx, subject, data)
	if err != nil {
		return answer, fmt.Errorf("%w: %s: %w", ErrNoAnswer, subject, err)
	}
	m, err := contract.Decode(reply.Data)
	if err != nil {
		return answer, fmt.Errorf("%w: %s: %w", ErrNoAnswer, subject, err)
	}
	if no, ok := m.Body.(contract.Refused); ok {
		return answer, refused{no}
	}
	answer, ok := m.Body.(A)
	if !ok {
		return answer, fmt.Errorf("%w: %s: the answer is a %s", ErrNoAnswer, subject, m.Type)
	}
	return answer, nil
}

// meanings is what the codes of refusals are; others are a refused and no more.
var meanings = map[string]error{
	contract.RefusedNotFound: ErrNotFound, contract.RefusedArchived: ErrArchived, contract.RefusedConflict: ErrState, contract.RefusedLimit: ErrBusy,
	contract.RefusedUnavailable: ErrNoAnswer,
}

// nobodyThere says that no service listens for the query at all.
func nobodyThere(err error) bool { return errors.Is(err, nats.ErrNoResponders) }
