package rollouts

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// controlTimeout bounds the answer to what a person asks: whoever asks has given
// up by then.
const controlTimeout = 10 * time.Second

// serveControls answers what people ask of deployments, and of what they hold,
// until it is stopped. Replicas share the questions.
func (s *Scheduler) serveControls(ctx context.Context) (*bus.Replica, error) {
	c := &controls{s}
	return bus.Serve(ctx, s.bus.Conn(), bus.About{Name: "slipway-scheduler", Description: "decides what may run"},
		bus.Endpoint{Name: "control", Subject: contract.Controls, Answer: c.with(c.onControl)},
		bus.Endpoint{Name: "admit", Subject: contract.Admissions, Answer: c.with(c.onAdmit)},
		bus.Endpoint{Name: "locks", Subject: contract.QueryLocks, Answer: c.with(c.onListLocks)},
		bus.Endpoint{Name: "break", Subject: contract.LockBreaks, Answer: c.with(c.onBreakLock)},
	)
}

type controls struct{ *Scheduler }

func (c *controls) with(answer func(context.Context, contract.Message) (contract.Body, error)) func(context.Context, bus.Request) {
	return func(ctx context.Context, q bus.Request) {
		m, err := contract.Decode(q.Data)
		if err != nil {
			err = errQuestion
		} else {
			var span observe.Span
			ctx, span = c.seen.Span(observe.Continue(ctx, m.Traceparent), observe.Answers, string(m.Type), observe.Deployment(m.Deployment))
			defer span.End("")
		}
		var body contract.Body
		if err == nil {
			within, cancel := context.WithTimeout(ctx, controlTimeout)
			body, err = answer(within, m)
			cancel()
		}
		if err != nil {
			body = c.refusal(m, err)
		}
		if lost := q.Reply(contract.Envelope{Deployment: m.Deployment}, body); lost != nil {
			c.log.Debug().Err(lost).Str("deployment", m.Deployment).Msg("answer to a control lost")
		}
		if err != nil || m.Type != contract.TypeControl {
			return
		}
		// The change is durable. Should this replica die before the outputs are, the
		// sweep of another makes them.
		if err := c.driveAtOnce(ctx, m.Deployment); err != nil && ctx.Err() == nil {
			c.log.Warn().Err(err).Str("deployment", m.Deployment).Msg("control left to the sweep")
		}
	}
}

// refusal is why a question is not answered.
func (c *controls) refusal(m contract.Message, err error) contract.Refused {
	var no *deploy.RefusedError
	switch {
	case errors.As(err, &no):
		return contract.Refused{Code: contract.RefusedConflict, Message: no.Message}
	case errors.Is(err, errQuestion):
		return contract.Refused{Code: contract.RefusedInvalid, Message: err.Error()}
	case errors.Is(err, errNoSlot):
		return contract.Refused{Code: contract.RefusedLimit, Message: err.Error()}
	case errors.Is(err, bus.ErrNone):
		return contract.Refused{Code: contract.RefusedNotFound, Message: "there is no such thing"}
	}
	c.log.Warn().Err(err).Str("type", string(m.Type)).Str("deployment", m.Deployment).Msg("question not answered")
	return contract.Refused{Code: contract.RefusedUnavailable, Message: "the message broker does not answer"}
}

func (c *controls) onControl(ctx context.Context, m contract.Message) (contract.Body, error) {
	ask, ok := m.Body.(contract.Control)
	if !ok || !contract.ValidToken(m.Deployment) {
		return nil, errQuestion
	}
	r, err := c.control(ctx, m.Deployment, ask)
	if err != nil {
		return nil, err
	}
	status := r.Status()
	c.log.Info().Str("deployment", m.Deployment).Str("verb", ask.Verb).Str("actor", ask.Actor).Str("state", string(status.State)).Msg("control")
	return contract.Controlled{State: string(status.State), Cause: string(status.Cause)}, nil
}

// control changes the record as a person asks. It fails with a
// deploy.RefusedError, or bus.ErrNone where there is no such deployment.
func (c *controls) control(ctx context.Context, id string, ask contract.Control) (deploy.Rollout, error) {
	if _, _, err := c.records.Get(ctx, id); errors.Is(err, bus.ErrNone) {
		if err := c.beginStored(ctx, id); err != nil {
			return deploy.Rollout{}, err
		}
	}
	if ask.Verb == contract.ControlSkip { // which changes no record, unlike the verbs of libs/deploy
		return c.skip(ctx, id, ask)
	}
	var refused error
	r, err := c.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout {
		next, err := now.Control(deploy.Control{
			Verb: deploy.Verb(ask.Verb), By: ask.Actor, Reason: ask.Reason, Digest: ask.Digest,
		}, clock())
		refused = err
		return next
	})
	return r, errors.Join(err, refused)
}

// beginStored begins a deployment whose command no replica has taken yet.
func (c *controls) beginStored(ctx context.Context, id string) error {
	stored, err := c.bus.Last(ctx, contract.StreamCommands, contract.AnyCommandSubject(id))
	if err != nil {
		return err
	}
	o, err := readOrder(stored.Data)
	if err != nil {
		return err
	}
	return c.begin(ctx, o, stored.Data)
}
