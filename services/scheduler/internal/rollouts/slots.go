package rollouts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// slotsKey is where LOCKS says who is under way. Keys of one token are hosts.
const slotsKey = "slot.taken"

// admissionAge is how long a place is kept for a deployment whose command does not
// come.
const admissionAge = 5 * time.Minute

// needsSlot says whether a deployment takes a place. A rollback does not: what it
// mends cannot wait.
func (s *Scheduler) needsSlot(o order) bool {
	_, deploys := o.Body.(contract.DeployCommand)
	return deploys && !s.set.Limits.None()
}

// slotAtOnce takes a place for a deployment that waits for nothing else, where
// there is one and nobody is in line for it. That is the way of most of them, and
// shorter than that through the line.
func (s *Scheduler) slotAtOnce(ctx context.Context, o order, r deploy.Rollout) (bool, error) {
	if r.Slot != deploy.SlotWanted || r.End != nil {
		return false, nil
	}
	if then := r.Granted(clock()).Planned(clock()); then.Phase != deploy.Dispatching {
		return false, nil
	}
	_, _, _, err := s.waiting.Next(ctx, s.line(o.Project), 0)
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, bus.ErrNone):
		return false, fmt.Errorf("read who waits for a place: %w", err)
	}
	in, _, err := s.enterSlot(ctx, deploy.Holder{Deployment: o.Deployment, Project: o.Project})
	return in, err
}

// wantSlot puts the deployment in line for a place, and gives places to those
// whose turn it is. Where it is among them, it goes on.
func (s *Scheduler) wantSlot(ctx context.Context, o order) (deploy.Move, error) {
	taken, _, err := s.slots.Get(ctx, slotsKey)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return nil, fmt.Errorf("read places: %w", err)
	}
	if !taken.Has(o.Deployment) { // a place may have been kept for it
		if err := s.enterLine(ctx, deploy.Holder{Deployment: o.Deployment, Project: o.Project, Since: clock()}); err != nil {
			return nil, err
		}
		if err := s.grant(ctx, s.line(o.Project), o.Deployment); err != nil {
			return nil, err
		}
		if taken, _, err = s.slots.Get(ctx, slotsKey); err != nil && !errors.Is(err, bus.ErrNone) {
			return nil, fmt.Errorf("read places: %w", err)
		}
	}
	if !taken.Has(o.Deployment) {
		return nil, nil
	}
	return func(now deploy.Rollout) deploy.Rollout { return now.Granted(clock()) }, nil
}

// grant gives free places to those that wait, in order, of the keys that match.
// Whoever gets one goes on when its timer goes off, but for the caller's own.
func (s *Scheduler) grant(ctx context.Context, filter, own string) error {
	for {
		key, w, err := s.nextInLine(ctx, filter)
		if errors.Is(err, bus.ErrNone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read who waits for a place: %w", err)
		}
		in, _, err := s.enterSlot(ctx, w)
		if err != nil {
			return err
		}
		if !in { // somebody else was faster
			continue
		}
		if err := s.grantTo(ctx, w, own); err != nil {
			return err
		}
		if err := s.waiting.Forget(ctx, key); err != nil {
			return err
		}
	}
}

// enterSlot gives the deployment a place where there is one.
func (s *Scheduler) enterSlot(ctx context.Context, w deploy.Holder) (in bool, taken deploy.Slots, err error) {
	taken, err = s.slots.Change(ctx, slotsKey, func(have deploy.Slots) (deploy.Slots, bool, error) {
		w.Since = clock()
		next, entered := have.Enter(s.set.Limits, w)
		in = entered
		return next, len(next.Holders) != len(have.Holders), nil
	})
	if err != nil {
		return false, taken, fmt.Errorf("places: %w", err)
	}
	return in, taken, nil
}

// grantTo lets a deployment know that it has a place. One that has ended, or that
// something else holds by now, gives it back.
func (s *Scheduler) grantTo(ctx context.Context, w deploy.Holder, own string) error {
	if w.Deployment == own {
		return nil
	}
	r, err := s.advance(ctx, w.Deployment, func(now deploy.Rollout) deploy.Rollout { return now.Granted(clock()) })
	switch {
	case errors.Is(err, bus.ErrNone) || err == nil && r.Over():
		return s.leaveSlot(ctx, w.Deployment)
	case err != nil:
		return err
	case r.Slot == deploy.SlotWanted: // something else holds it; it gets in line again
		if err := s.leaveSlot(ctx, w.Deployment); err != nil {
			return err
		}
	}
	return s.bus.SetTimer(ctx, w.Deployment, clock())
}

func (s *Scheduler) leaveSlot(ctx context.Context, deployment string) error {
	_, err := s.slots.Change(ctx, slotsKey, func(have deploy.Slots) (deploy.Slots, bool, error) {
		return have.Leave(deployment), have.Has(deployment), nil
	})
	if err != nil {
		return fmt.Errorf("places: %w", err)
	}
	return nil
}

// endSlot gives the place of a deployment that has ended to the next.
func (s *Scheduler) endSlot(ctx context.Context, o order, r deploy.Rollout) error {
	if r.Slot == deploy.SlotNeedless {
		return nil
	}
	if err := s.waiting.Forget(ctx, waitingKey(o.Project, o.Deployment)); err != nil {
		return err
	}
	if err := s.leaveSlot(ctx, o.Deployment); err != nil {
		return err
	}
	return s.grant(ctx, s.line(o.Project), "")
}

// sweepSlots takes places back whose deployments have ended, or never came, and
// gives those that are free to who waits.
func (s *Scheduler) sweepSlots(ctx context.Context, projects map[string]bool) error {
	taken, _, err := s.slots.Get(ctx, slotsKey)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return fmt.Errorf("read places: %w", err)
	}
	var errs []error
	for _, h := range taken.Holders {
		if time.Since(h.Since) < s.set.Sweep {
			continue
		}
		gone, err := s.slotIsGone(ctx, h)
		if err == nil && gone {
			err = s.leaveSlot(ctx, h.Deployment)
		}
		errs = append(errs, err)
	}
	if s.set.Limits.All > 0 && len(projects) > 0 {
		errs = append(errs, s.noteProjects(ctx, projects), s.grant(ctx, everyLine, ""))
		return errors.Join(errs...)
	}
	for project := range projects {
		errs = append(errs, s.grant(ctx, lineOf(project), ""))
	}
	return errors.Join(errs...)
}

func (s *Scheduler) slotIsGone(ctx context.Context, h deploy.Holder) (bool, error) {
	rec, _, err := s.records.Get(ctx, h.Deployment)
	switch {
	case err == nil:
		return rec.Rollout.Phase == deploy.Finished, nil
	case !errors.Is(err, bus.ErrNone):
		return false, fmt.Errorf("read deployment: %w", err)
	}
	_, err = s.bus.Last(ctx, contract.StreamCommands, contract.AnyCommandSubject(h.Deployment))
	if errors.Is(err, bus.ErrNone) {
		return time.Since(h.Since) > admissionAge, nil
	}
	return false, err // its command was not taken yet
}
