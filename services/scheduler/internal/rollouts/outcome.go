package rollouts

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rs/zerolog"

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
	code   string // of the failure
}

// handleEvents takes a batch of events: those that end no target ask for
// nothing, the others are recorded deployment by deployment.
func (s *Scheduler) handleEvents(ctx context.Context, g *gathering, said []*bus.Delivery) {
	byDeployment := map[string][]ending{}
	for _, d := range said {
		m, err := contract.Decode(d.Data())
		if err != nil {
			bus.LogSubject(s.log.Error(), d.Subject()).Err(err).Uint64("seq", d.Seq).Msg("event refused")
			s.note(d, d.Reject("cannot be read"))
			s.seen.Inputs.WithLabelValues(inputEvent, outcomeRefused).Inc()
			continue
		}
		b, ends := m.Body.(contract.JobEndedEvent)
		if !ends {
			s.note(d, d.Skip())
			continue
		}
		e := ending{input: d, host: m.Host, target: m.Target, state: deploy.State(b.State)}
		if b.Failure != nil {
			e.code = b.Failure.Code
		}
		byDeployment[m.Deployment] = append(byDeployment[m.Deployment], e)
	}
	batches := map[string]batch{}
	for id, endings := range byDeployment {
		b := batch{endings: endings}
		b.ctx, b.release = bus.HoldAll(ctx, b.inputs(), ackWait) // now, as there may be a wait for a free place
		batches[id] = b
	}
	for id, b := range batches {
		g.add(ctx, id, b)
	}
}

// handleEndings records a batch, and returns what follows from it.
func (s *Scheduler) handleEndings(id string, b batch) (after func()) {
	log := s.log.With().Str("deployment", id).Logger()
	settle := func(err error) {
		all := b.inputs()
		s.seen.Inputs.WithLabelValues(inputEvent, s.settle(b.ctx, log, err, all...)).Add(float64(len(all)))
		b.release()
	}
	rec, _, err := s.records.Get(b.ctx, id)
	if errors.Is(err, bus.ErrNone) { // a deployment of which nothing is left
		return func() { settle(nil) }
	}
	var moved bool
	if err == nil {
		b.endings = s.withinPlan(rec.Rollout, b.endings, log)
		moved, err = s.record(b.ctx, id, rec.Rollout, b.endings)
	}
	if err != nil {
		return func() { settle(err) }
	}
	return func() { settle(s.follow(b, id, rec.Rollout, moved)) }
}

// follow has the targets of a batch leave the queues of their hosts, and drives the
// deployment where it has moved on.
func (s *Scheduler) follow(b batch, id string, r deploy.Rollout, moved bool) error {
	err := each(b.ctx, 0, len(b.endings), func(ctx context.Context, i int) error {
		if wave, _ := r.Waves.Of(b.endings[i].target); wave > r.Wave {
			return nil // it never came into the queue of its host
		}
		return s.leave(ctx, b.endings[i].host, id)
	})
	// Every other change of phase has an input of its own that drives it. To queue
	// for that here would hold up other deployments.
	if err != nil || !moved {
		return err
	}
	return s.drive(b.ctx, id)
}

// withinPlan returns the endings of targets that the deployment has, and
// refuses the others.
func (s *Scheduler) withinPlan(r deploy.Rollout, endings []ending, log zerolog.Logger) []ending {
	return slices.DeleteFunc(endings, func(e ending) bool {
		_, _, err := r.Locate(e.target)
		if err == nil && !e.state.Terminal() {
			err = fmt.Errorf("%w: %q", deploy.ErrNotTerminal, e.state)
		}
		if err == nil {
			return false
		}
		log.Error().Err(err).Str("host", e.host).Uint64("seq", e.input.Seq).Msg("event refused")
		s.note(e.input, e.input.Reject(err.Error()))
		s.seen.Inputs.WithLabelValues(inputEvent, outcomeRefused).Inc()
		return true
	})
}

// record notes how targets ended, a piece at a time. It says whether the rollout
// may have moved on: by this, or by an earlier delivery of the same endings that
// was cut short.
func (s *Scheduler) record(ctx context.Context, id string, r deploy.Rollout, endings []ending) (moved bool, err error) {
	pieces, ahead := map[int][]ending{}, map[place][]ending{}
	for _, e := range endings {
		wave, piece, err := r.Locate(e.target)
		switch {
		case err != nil:
			return moved, err
		case r.Over() || wave < r.Wave: // counted when its wave closed
			moved = true
		case wave > r.Wave && r.End != nil, wave == r.Wave && r.End != nil && !r.Begun():
			// It never began: a stop counts all of those at once.
		case wave == r.Wave && r.Counting() && (e.state != deploy.Skipped || r.End != nil || e.target < r.Limit(wave)):
			pieces[piece] = append(pieces[piece], e)
		case e.state == deploy.Skipped:
			ahead[place{wave, piece}] = append(ahead[place{wave, piece}], e)
		default:
			return moved, errBehind
		}
	}
	for at, endings := range ahead {
		if err := s.recordAhead(ctx, id, r, at, endings); err != nil {
			return moved, err
		}
		moved = true
	}
	for piece, endings := range pieces {
		changed, err := s.recordPiece(ctx, id, r, piece, endings)
		if err != nil {
			return moved, err
		}
		moved = moved || changed
	}
	return moved, nil
}

// recordPiece notes the endings of one piece, and tells the rollout where that
// matters to it. It says whether the rollout may have moved on.
func (s *Scheduler) recordPiece(ctx context.Context, id string, r deploy.Rollout, piece int, endings []ending) (moved bool, err error) {
	results, err := s.writeResults(ctx, id, r, place{r.Wave, piece}, endings)
	if err != nil {
		return false, err
	}
	if !r.Cares(piece, results.Tally(r.Limit(r.Wave))) {
		return false, nil
	}
	var before deploy.Rollout
	after, err := s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout {
		before = now
		return now.Note(r.Wave, piece, results.Tally(now.Limit(r.Wave)), clock())
	})
	// InProgress has no outputs but for what a turn says.
	return after.Phase != deploy.InProgress || after.Turn != before.Turn || after.Wave != r.Wave, err
}

// place is where the results of a piece of a wave stand.
type place struct{ wave, piece int }

// recordAhead notes the ends of hosts that a person skipped before their wave
// began; should it have begun meanwhile, they count at once.
func (s *Scheduler) recordAhead(ctx context.Context, id string, r deploy.Rollout, at place, endings []ending) error {
	results, err := s.writeResults(ctx, id, r, at, endings)
	if err != nil {
		return err
	}
	_, err = s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout {
		return now.EndedAhead().Note(at.wave, at.piece, results.Tally(now.Limit(at.wave)), clock())
	})
	return err
}

// writeResults notes endings in the results of their piece, and returns these.
func (s *Scheduler) writeResults(ctx context.Context, id string, r deploy.Rollout, at place, endings []ending) (deploy.Results, error) {
	excused := r.Excuses(at.wave)
	results, err := s.results.Change(ctx, resultsKey(id, at.wave, at.piece), func(have deploy.Results) (deploy.Results, bool, error) {
		if have.Outcomes == nil {
			have = deploy.NewResults(r.Waves.At(at.wave).Pieces()[at.piece])
		}
		for _, e := range endings {
			next, err := have.Record(e.target, e.state, excused && e.code == contract.FailUnreachable)
			if err != nil {
				return have, false, err
			}
			have = next
		}
		return have, true, nil
	})
	if err != nil {
		return results, fmt.Errorf("write results: %w", err)
	}
	return results, nil
}

// tallies returns how targets of a wave have ended, piece by piece, as far as
// they have.
func (s *Scheduler) tallies(ctx context.Context, id string, r deploy.Rollout, wave int) (map[int]deploy.Tally, error) {
	all := map[int]deploy.Tally{}
	for piece := range r.Waves.At(wave).Pieces() {
		results, _, err := s.results.Get(ctx, resultsKey(id, wave, piece))
		if errors.Is(err, bus.ErrNone) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read results: %w", err)
		}
		all[piece] = results.Tally(r.Limit(wave))
	}
	return all, nil
}

// aheadOf returns how targets have ended that a stop counts: those of waves to
// come.
func (s *Scheduler) aheadOf(ctx context.Context, id string, r deploy.Rollout) (deploy.Tally, error) {
	var sum deploy.Tally
	if !r.Ahead {
		return sum, nil
	}
	next := r.Wave
	if r.Begun() {
		next++
	}
	for wave := next; wave < r.Waves.Len(); wave++ {
		tallies, err := s.tallies(ctx, id, r, wave)
		if err != nil {
			return sum, err
		}
		for _, t := range tallies {
			sum = sum.Add(t)
		}
	}
	return sum, nil
}
