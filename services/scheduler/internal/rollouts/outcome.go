package rollouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// ending is a terminal event of a target, with the input that brought it.
type ending struct {
	input  *bus.Delivery
	host   string
	target int
	state  deploy.State
}

// handleEvents takes a batch of events: those that end no target ask for
// nothing, the others are recorded deployment by deployment.
func (s *Scheduler) handleEvents(ctx context.Context, g *groups, batch []*bus.Delivery) {
	byDeployment := map[string][]ending{}
	for _, d := range batch {
		m, err := contract.Decode(d.Data())
		if err != nil {
			s.log.Error().Err(err).Uint64("seq", d.Seq).Str("subject", d.Subject()).Msg("event refused")
			s.note(d.Reject("cannot be read"))
			continue
		}
		if b, ok := m.Body.(contract.JobEndedEvent); ok {
			e := ending{input: d, host: m.Host, target: m.Target, state: deploy.State(b.State)}
			byDeployment[m.Deployment] = append(byDeployment[m.Deployment], e)
			continue
		}
		s.note(d.Skip())
	}
	for id, endings := range byDeployment {
		g.Go(func() { s.handleEndings(ctx, id, endings) })
	}
}

func (s *Scheduler) handleEndings(ctx context.Context, id string, endings []ending) {
	inputs := make([]*bus.Delivery, len(endings))
	for i, e := range endings {
		inputs[i] = e.input
	}
	ctx, release := bus.HoldAll(ctx, inputs, ackWait)
	defer release()
	log := s.log.With().Str("deployment", id).Logger()
	err := s.record(ctx, id, endings)
	if err == nil {
		err = each(ctx, 0, len(endings), func(ctx context.Context, i int) error {
			return s.leave(ctx, endings[i].host, id)
		})
	}
	if err == nil {
		err = s.drive(ctx, id)
	}
	if errors.Is(err, bus.ErrNone) { // a deployment of which nothing is left
		err = nil
	}
	s.settle(ctx, log, err, inputs...)
}

// record notes how targets ended, a piece at a time, and closes the pieces in
// which no target is left.
func (s *Scheduler) record(ctx context.Context, id string, endings []ending) error {
	rec, _, err := s.records.Get(ctx, id)
	if err != nil {
		return err
	}
	r := rec.Rollout
	pieces := map[int][]ending{}
	for _, e := range endings {
		wave, piece, err := r.Locate(e.target)
		if err != nil {
			return err
		}
		if r.Active() && wave == r.Wave { // others were counted when their wave closed
			pieces[piece] = append(pieces[piece], e)
		}
	}
	for piece, endings := range pieces {
		if err := s.recordPiece(ctx, id, r, piece, endings); err != nil {
			return err
		}
	}
	return nil
}

func (s *Scheduler) recordPiece(ctx context.Context, id string, r deploy.Rollout, piece int, endings []ending) error {
	results, err := s.results.Change(ctx, resultsKey(id, r.Wave, piece), func(have deploy.Results) (deploy.Results, bool, error) {
		if have.Outcomes == nil {
			have = deploy.NewResults(r.Waves[r.Wave].Pieces()[piece])
		}
		for _, e := range endings {
			next, err := have.Record(e.target, e.state)
			if err != nil {
				return have, false, err
			}
			have = next
		}
		return have, true, nil
	})
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	tally, closed := results.Closed()
	if !closed {
		return nil
	}
	return s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout { return now.ClosePiece(r.Wave, piece, tally) })
}
