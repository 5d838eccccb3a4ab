package rollouts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/micro"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// controlTimeout bounds the answer to what a person asks: whoever asks has given
// up by then.
const controlTimeout = 10 * time.Second

// serveControls answers what people ask of deployments until stop is called.
// Replicas share the questions.
func (s *Scheduler) serveControls(ctx context.Context) (stop func(), err error) {
	service, err := micro.AddService(s.bus.Conn(), micro.Config{
		Name: "slipway-scheduler", Version: "1.0.0", Description: "decides what may run",
	})
	if err != nil {
		return nil, fmt.Errorf("register scheduler: %w", err)
	}
	c := &controls{Scheduler: s, ctx: ctx}
	err = service.AddEndpoint("control", micro.HandlerFunc(c.handle), micro.WithEndpointSubject(contract.Controls))
	if err != nil {
		return nil, fmt.Errorf("register scheduler: %w", err)
	}
	return func() {
		_ = service.Stop() // fails only if the connection is gone already
		c.close()
	}, nil
}

type controls struct {
	*Scheduler
	ctx context.Context //nolint:containedctx // the handlers of micro are given none

	mu      sync.Mutex // between handle and close: none may begin once close waits
	closed  bool
	working sync.WaitGroup
}

func (c *controls) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.working.Wait()
}

func (c *controls) handle(req micro.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return // another replica is asked again
	}
	c.working.Go(func() { c.answer(req) })
}

func (c *controls) answer(req micro.Request) {
	m, err := contract.Decode(req.Data())
	ask, ok := m.Body.(contract.Control)
	if err != nil || !ok || !contract.ValidToken(m.Deployment) {
		c.reply(req, m.Deployment, contract.Refused{Code: contract.RefusedInvalid, Message: "this is no control of a deployment"})
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, controlTimeout)
	r, err := c.control(ctx, m.Deployment, ask)
	cancel()
	var no *deploy.RefusedError
	switch {
	case errors.As(err, &no):
		c.reply(req, m.Deployment, contract.Refused{Code: contract.RefusedConflict, Message: no.Message})
		return
	case errors.Is(err, bus.ErrNone):
		c.reply(req, m.Deployment, contract.Refused{Code: contract.RefusedNotFound, Message: "there is no such deployment"})
		return
	case err != nil:
		c.log.Warn().Err(err).Str("deployment", m.Deployment).Msg("control not carried out")
		c.reply(req, m.Deployment, contract.Refused{Code: contract.RefusedUnavailable, Message: "the message broker does not answer"})
		return
	}
	status := r.Status()
	c.log.Info().Str("deployment", m.Deployment).Str("verb", ask.Verb).Str("actor", ask.Actor).Str("state", string(status.State)).Msg("control")
	c.reply(req, m.Deployment, contract.Controlled{State: string(status.State), Cause: string(status.Cause)})
	// The change is durable. Should this replica die before the outputs are, the
	// sweep of another makes them.
	if err := c.driveAtOnce(c.ctx, m.Deployment); err != nil && c.ctx.Err() == nil {
		c.log.Warn().Err(err).Str("deployment", m.Deployment).Msg("control left to the sweep")
	}
}

// control changes the record as a person asks. It fails with a
// deploy.RefusedError, or bus.ErrNone where there is no such deployment.
func (c *controls) control(ctx context.Context, id string, ask contract.Control) (deploy.Rollout, error) {
	if _, _, err := c.records.Get(ctx, id); errors.Is(err, bus.ErrNone) {
		if err := c.beginStored(ctx, id); err != nil {
			return deploy.Rollout{}, err
		}
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
		err = req.Respond(data)
	}
	if err != nil {
		c.log.Debug().Err(err).Msg("answer to a control lost")
	}
}
