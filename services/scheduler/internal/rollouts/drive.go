package rollouts

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
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

// plan tells history what is to come, and takes a place for a deployment that
// could begin at once and finds one.
func (s *Scheduler) plan(ctx context.Context, o order, r deploy.Rollout) (deploy.Move, error) {
	granted, err := s.slotAtOnce(ctx, o, r)
	if err != nil {
		return nil, err
	}
	return func(now deploy.Rollout) deploy.Rollout {
		if granted {
			now = now.Granted(clock())
		}
		return now.Planned(clock())
	}, s.announce(ctx, o, r)
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

// announce tells history what is to come, before any job can report on it.
func (s *Scheduler) announce(ctx context.Context, o order, r deploy.Rollout) error {
	if err := s.say(ctx, o, 0, acceptedOrdinal, o.accepted(r)); err != nil {
		return err
	}
	for piece := range o.rollout.Snapshot.Pieces {
		snapshot, err := s.piece(ctx, o, piece)
		if err != nil {
			return err
		}
		planned := contract.PlannedEvent{First: piece * deploy.PieceSize}
		for i, t := range snapshot.Targets {
			wave, _ := r.Waves.Of(planned.First + i)
			planned.Targets = append(planned.Targets, contract.PlannedTarget{Host: t.Host, Name: t.Name, Wave: wave})
		}
		if err := s.say(ctx, o, 0, plannedOrdinal(piece), planned); err != nil {
			return err
		}
	}
	return nil
}

// hold says what the deployment waits for, and gets in line where that is a place.
func (s *Scheduler) hold(ctx context.Context, o order, r deploy.Rollout) (deploy.Move, error) {
	if err := s.tell(ctx, o, r); err != nil {
		return nil, err
	}
	switch r.Hold.Kind {
	case deploy.ForSlot:
		return s.wantSlot(ctx, o)
	default:
		return nil, nil
	}
}

// dispatch lets those targets of the current wave that may begin, and have not
// been let before, enter the queues of their hosts.
func (s *Scheduler) dispatch(ctx context.Context, o order, r deploy.Rollout) (deploy.Move, error) {
	if err := s.tell(ctx, o, r); err != nil {
		return nil, err
	}
	var ahead map[int]deploy.Tally
	if r.Ahead { // those that may begin now may have ended already
		var err error
		if ahead, err = s.tallies(ctx, o.Deployment, r, r.Wave); err != nil {
			return nil, err
		}
	}
	within := deploy.Range{First: r.Current().First + r.In, Count: r.Let - r.In}
	return func(now deploy.Rollout) deploy.Rollout {
			for piece, tally := range ahead {
				now = now.Note(r.Wave, piece, tally, clock())
			}
			return now.Dispatched(r.Wave, r.Let)
		}, s.eachTarget(ctx, o, within, func(ctx context.Context, i int, t contract.Target) error {
			return s.enter(ctx, o, deploy.Claim{Deployment: o.Deployment, Target: i}, r.Wave, t)
		})
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

// stop tells executors that nothing may begin any more, and ends every target
// that has not begun. A job that is about to begin competes for the first event
// of its target, and exactly one wins.
func (s *Scheduler) stop(ctx context.Context, o order, r deploy.Rollout) (deploy.Move, error) {
	if err := s.tell(ctx, o, r); err != nil {
		return nil, err
	}
	if err := s.first(ctx, contract.StreamEvents, contract.StopSubject(o.Deployment), contract.Envelope{
		ID: o.Deployment + ".stop", Deployment: o.Deployment, Project: o.Project, Traceparent: o.Traceparent,
	}, contract.StopEvent{Cause: string(r.End.Cause)}); err != nil {
		return nil, err
	}
	ended := contract.JobEndedEvent{State: string(r.End.UnbegunState()), Note: unbegunNote(*r.End)}
	err := s.eachTarget(ctx, o, r.Unbegun(), func(ctx context.Context, i int, t contract.Target) error {
		return s.first(ctx, contract.StreamEvents, contract.JobEventSubject(o.Deployment, t.Host), o.unbegun(r, i, t.Host), ended)
	})
	if err != nil {
		return nil, err
	}
	ahead, err := s.aheadOf(ctx, o.Deployment, r)
	return func(now deploy.Rollout) deploy.Rollout { return now.Stopped(ahead) }, err
}

// first stores a message if it is the first on its subject. Where it is not,
// there is nothing to do.
func (s *Scheduler) first(ctx context.Context, stream, subject string, e contract.Envelope, body contract.Body) error {
	data, err := contract.Encode(e, body)
	if err != nil {
		return err
	}
	_, err = s.bus.Append(ctx, stream, subject, 0, e.ID, data)
	if errors.Is(err, bus.ErrConflict) {
		return nil
	}
	return err
}

// unbegunNote says why a target never began.
func unbegunNote(e deploy.Ending) string {
	switch e.Cause {
	case deploy.CauseCancelled:
		return "the deployment was cancelled before this host began"
	case deploy.CauseNotApproved:
		return "the deployment was not approved"
	default:
		return "the deployment was stopped before this host began"
	}
}

// conclude tells history the outcome and removes what the deployment no longer
// needs.
func (s *Scheduler) conclude(ctx context.Context, o order, r deploy.Rollout) error {
	end := r.Outcome()
	ended := contract.ConcludedEvent{State: string(end.State), Cause: string(end.Cause), Reason: end.Reason, Actor: end.By,
		RolledBackBy: r.Status().Revert}
	if err := s.say(ctx, o, r.Wave, turnOrdinal(o, r, 1), ended); err != nil {
		return err
	}
	if err := s.endSlot(ctx, o, r); err != nil {
		return err
	}
	if err := s.tellReverted(ctx, o, end.State); err != nil {
		return err
	}
	for piece := range o.rollout.Snapshot.Pieces {
		if err := s.snapshots.Delete(ctx, snapshotKey(o.rollout.Snapshot, piece), 0); err != nil {
			return err
		}
	}
	return s.results.DeleteBelow(ctx, o.Deployment)
}

// piece returns a piece of the snapshot, or errSnapshot where it is not there.
func (s *Scheduler) piece(ctx context.Context, o order, piece int) (contract.SnapshotPiece, error) {
	key := snapshotKey(o.rollout.Snapshot, piece)
	if kept, ok := s.pieces.get(key); ok {
		return kept, nil
	}
	snapshot, _, err := s.snapshots.Get(ctx, key)
	if errors.Is(err, bus.ErrNone) {
		return snapshot, fmt.Errorf("%w: piece %d", errSnapshot, piece)
	}
	if err != nil {
		return snapshot, fmt.Errorf("read snapshot: %w", err)
	}
	s.pieces.put(key, snapshot)
	return snapshot, nil
}

// eachTarget calls fn for each target of the range, many at once.
func (s *Scheduler) eachTarget(ctx context.Context, o order, within deploy.Range, fn func(context.Context, int, contract.Target) error) error {
	for at := within.First; at < within.First+within.Count; {
		piece := at / deploy.PieceSize
		snapshot, err := s.piece(ctx, o, piece)
		if err != nil {
			return err
		}
		first := piece * deploy.PieceSize
		end := min(first+len(snapshot.Targets), within.First+within.Count)
		if end <= at {
			return fmt.Errorf("%w: target %d", errSnapshot, at)
		}
		err = each(ctx, at, end-at, func(ctx context.Context, i int) error { return fn(ctx, i, snapshot.Targets[i-first]) })
		if err != nil {
			return err
		}
		at = end
	}
	return nil
}
