package rollouts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// controlTimeout bounds the answer to what a person asks: whoever asks has given
// up by then.
const controlTimeout = 10 * time.Second

// serveControls answers what people ask of deployments, and of what they hold,
// until stop is called. Replicas share the questions.
func (s *Scheduler) serveControls(ctx context.Context) (stop func(), err error) {
	service, err := micro.AddService(s.bus.Conn(), micro.Config{
		Name: "slipway-scheduler", Version: "1.0.0", Description: "decides what may run",
	})
	if err != nil {
		return nil, fmt.Errorf("register scheduler: %w", err)
	}
	c := &controls{Scheduler: s, ctx: ctx}
	for name, e := range map[string]struct {
		subject string
		answer  func(context.Context, contract.Message) (contract.Body, error)
	}{
		"control": {contract.Controls, c.onControl},
		"admit":   {contract.Admissions, c.onAdmit},
		"locks":   {contract.QueryLocks, c.onListLocks},
		"break":   {contract.LockBreaks, c.onBreakLock},
	} {
		handler := micro.HandlerFunc(func(req micro.Request) { c.all.Go(func() { c.answer(req, e.answer) }) }) //nolint:contextcheck // it is given none
		if err := service.AddEndpoint(name, handler, micro.WithEndpointSubject(e.subject)); err != nil {
			return nil, fmt.Errorf("register scheduler: %w", err)
		}
	}
	if err := s.bus.Conn().FlushTimeout(controlTimeout); err != nil { // from here on the broker knows of us
		return nil, fmt.Errorf("register scheduler: %w", err)
	}
	return func() {
		_ = service.Stop() // fails only if the connection is gone already
		c.all.Close()
		c.all.Wait()
	}, nil
}

type controls struct {
	*Scheduler
	ctx context.Context //nolint:containedctx // the handlers of micro are given none
	all bus.Answering
}

func (c *controls) answer(req micro.Request, answer func(context.Context, contract.Message) (contract.Body, error)) {
	m, err := contract.Decode(req.Data())
	if err != nil {
		err = errQuestion
	}
	var body contract.Body
	if err == nil {
		ctx, cancel := context.WithTimeout(c.ctx, controlTimeout)
		body, err = answer(ctx, m)
		cancel()
	}
	if err != nil {
		c.reply(req, m.Deployment, c.refusal(m, err))
		return
	}
	c.reply(req, m.Deployment, body)
	if m.Type != contract.TypeControl {
		return
	}
	// The change is durable. Should this replica die before the outputs are, the
	// sweep of another makes them.
	if err := c.driveAtOnce(c.ctx, m.Deployment); err != nil && c.ctx.Err() == nil {
		c.log.Warn().Err(err).Str("deployment", m.Deployment).Msg("control left to the sweep")
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

func (c *controls) reply(req micro.Request, deployment string, body contract.Body) {
	data, err := contract.Encode(contract.Envelope{Deployment: deployment}, body)
	if err == nil {
		err = bus.Answer(c.bus.Conn(), req, data)
	}
	if err != nil {
		c.log.Debug().Err(err).Msg("answer to a control lost")
	}
}
