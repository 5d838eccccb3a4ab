package rollouts

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// drive carries a deployment as far as it goes without a further event: for
// each phase it makes the outputs, which are safe to repeat, and then moves the
// record on by compare-and-set.
func (s *Scheduler) drive(ctx context.Context, id string) error {
	defer s.driving.lock(id)()
	return s.driveAtOnce(ctx, id)
}

// driveAtOnce is drive without waiting for another goroutine of this replica
// that drives the same deployment: a cancel must not wait for a wave.
func (s *Scheduler) driveAtOnce(ctx context.Context, id string) error {
	for {
		rec, _, err := s.records.Get(ctx, id)
		if err != nil {
			return fmt.Errorf("read deployment: %w", err)
		}
		r := rec.Rollout
		if r.Phase == deploy.Draining || r.Phase == deploy.Finished {
			return nil
		}
		o, err := readOrder(rec.Command)
		if err != nil {
			return fmt.Errorf("read stored command: %w", err)
		}
		next, err := s.act(ctx, o, r)
		if errors.Is(err, errSnapshot) {
			s.log.Error().Err(err).Str("deployment", id).Msg("deployment cannot go on")
			next, err = abort(r, "the snapshot of its targets is not complete"), nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", r.Phase, err)
		}
		if next == nil { // it waits
			return nil
		}
		if _, err := s.advance(ctx, id, next); err != nil {
			return err
		}
		if r.Phase == deploy.Finishing {
			s.seen.Deployments.WithLabelValues(string(o.kind()), string(r.Outcome().State)).Inc()
			s.seen.Times.WithLabelValues(string(o.kind())).Observe(time.Since(o.Time).Seconds())
		}
	}
}

// act makes the outputs of the phase and returns what follows them; nil where the
// deployment waits for something.
func (s *Scheduler) act(ctx context.Context, o order, r deploy.Rollout) (deploy.Move, error) {
	switch r.Phase {
	case deploy.Planning:
		return s.plan(ctx, o, r)
	case deploy.Held:
		return s.hold(ctx, o, r)
	case deploy.InProgress:
		return nil, s.tell(ctx, o, r)
	case deploy.Dispatching:
		return s.dispatch(ctx, o, r)
	case deploy.Stopping:
		return s.stop(ctx, o, r)
	case deploy.GoingBack:
		return s.goBack(ctx, o, r)
	case deploy.Finishing:
		return deploy.Rollout.Concluded, s.conclude(ctx, o, r)
	default:
		return nil, fmt.Errorf("%w: %q", errPhase, r.Phase)
	}
}

// abort ends a rollout that stands where it was seen: had another replica
// carried it on, what is missing may have been removed as no longer needed.
func abort(seen deploy.Rollout, reason string) deploy.Move {
	return func(now deploy.Rollout) deploy.Rollout {
		if now.Phase != seen.Phase || now.Wave != seen.Wave {
			return now
		}
		return now.Abort(reason)
	}
}

// advance moves the record on and returns where the rollout stands then. A move
// that changes nothing writes nothing: whoever insists must not get in the way of
// others. A finished one no longer needs its command.
func (s *Scheduler) advance(ctx context.Context, id string, next deploy.Move) (deploy.Rollout, error) {
	rec, err := s.records.Change(ctx, id, func(rec record) (record, bool, error) {
		before := rec.Rollout
		if before.Phase == "" {
			return rec, false, bus.ErrNone // never make a record of nothing
		}
		rec.Rollout = before.Make(next)
		if rec.Rollout.Phase == deploy.Finished && before.Phase != deploy.Finished {
			rec.Command, rec.EndedAt = nil, time.Now().UTC()
		}
		return rec, !reflect.DeepEqual(before, rec.Rollout), nil
	})
	if err != nil {
		return rec.Rollout, fmt.Errorf("write deployment: %w", err)
	}
	return rec.Rollout, nil
}
