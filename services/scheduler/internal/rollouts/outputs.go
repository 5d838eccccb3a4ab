package rollouts

import (
	"context"
	"errors"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

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

// announce tells history what is to come, before any job can report on it.
func (s *Scheduler) announce(ctx context.Context, o order, r deploy.Rollout) error {
	if err := s.say(ctx, o, 0, acceptedOrdinal, o.accepted(r)); err != nil {
		return err
	}
	for piece := range o.rollout.Snapshot.Pieces {
		targets, err := s.piece(ctx, o, piece)
		if err != nil {
			return err
		}
		planned := contract.PlannedEvent{First: piece * deploy.PieceSize}
		for i, t := range targets {
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
	if r.Hold.Kind != deploy.ForSlot {
		return nil, nil
	}
	return s.wantSlot(ctx, o)
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
