package deployments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// refused is an answer that a query cannot be answered.
type refused struct{ contract.Refused }

func (r refused) Error() string { return r.Code + ": " + r.Message }

// ask sends a query and returns the body of the answer. It fails with
// ErrNotFound, ErrState, ErrNoAnswer, or a refused.
func ask[A contract.Body](ctx context.Context, d *Desk, subject string, e contract.Envelope, question contract.Body, limit time.Duration) (A, error) {
	var answer A
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
		return answer, refusal(no)
	}
	answer, ok := m.Body.(A)
	if !ok {
		return answer, fmt.Errorf("%w: %s: the answer is a %s", ErrNoAnswer, subject, m.Type)
	}
	return answer, nil
}

func refusal(r contract.Refused) error {
	switch r.Code {
	case contract.RefusedNotFound:
		return ErrNotFound
	case contract.RefusedConflict:
		return fmt.Errorf("%w: %s", ErrState, r.Message)
	case contract.RefusedUnavailable:
		return fmt.Errorf("%w: %w", ErrNoAnswer, refused{r})
	default:
		return refused{r}
	}
}

// nobodyThere says that no service listens for the query at all.
func nobodyThere(err error) bool { return errors.Is(err, nats.ErrNoResponders) }
