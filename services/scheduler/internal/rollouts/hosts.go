package rollouts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/libs/observe"
)

// offerFor is how long a job is offered to a host whose slot is taken. It is
// taken for the moment between the terminal event of the job before and its
// acknowledgement; for up to an executor's ack wait where that one died then.
const offerFor = 10 * time.Second

// enter puts a target into the queue of its host and publishes its job if the
// host is free.
func (s *Scheduler) enter(ctx context.Context, o order, claim deploy.Claim, wave int, t contract.Target) error {
	var owns bool
	_, err := s.queues.Change(ctx, t.Host, func(q deploy.Queue) (deploy.Queue, bool, error) {
		next, mine := q.Enter(claim)
		owns = mine
		return next, q.Owner == nil || len(next.Waiting) != len(q.Waiting), nil
	})
	if err != nil {
		return fmt.Errorf("queue of host %s: %w", t.Name, err)
	}
	if !owns {
		return nil
	}
	// A repeat may come after the target ended and its claim was dropped; the
	// claim just made would then never be dropped again.
	open, err := s.isOpen(ctx, claim, wave)
	if err != nil {
		return err
	}
	if !open {
		return s.leave(ctx, t.Host, claim.Deployment)
	}
	return s.offer(ctx, o, claim.Target, wave, t)
}

// isOpen says whether the target may have a job now: its wave is the current one, it
// has not ended, and hosts may begin. One that may not because of a pause or of the
// calendar loses its turn; the record knows that before it leaves the queue, and
// has it enter again.
func (s *Scheduler) isOpen(ctx context.Context, claim deploy.Claim, wave int) (bool, error) {
	rec, _, err := s.records.Get(ctx, claim.Deployment)
	if errors.Is(err, bus.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read deployment: %w", err)
	}
	switch r := rec.Rollout; {
	case r.Phase == deploy.Planning || r.Phase == deploy.Held || r.Dispatches() && r.Wave < wave:
		if r.Wave > wave {
			return false, nil
		}
		return false, errBehind
	case !r.Dispatches() || r.Wave > wave:
		return false, nil
	}
	_, piece, err := rec.Rollout.Locate(claim.Target)
	if err != nil {
		return false, err
	}
	results, _, err := s.results.Get(ctx, resultsKey(claim.Deployment, wave, piece))
	switch {
	case err != nil && !errors.Is(err, bus.ErrNone):
		return false, fmt.Errorf("read results: %w", err)
	case err == nil && results.Ended(claim.Target) != "":
		return false, nil
	case rec.Rollout.MayBegin(clock()):
		return true, nil
	}
	return s.missTurn(ctx, claim.Deployment, wave, rec.Rollout)
}

// missTurn has the record know that a host loses its turn, unless hosts may begin
// after all.
func (s *Scheduler) missTurn(ctx context.Context, id string, wave int, before deploy.Rollout) (open bool, err error) {
	after, err := s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout { return now.MissTurn(wave, clock()) })
	if err != nil {
		return false, err
	}
	if after.Wave == wave && after.MayBegin(clock()) {
		return true, nil
	}
	if after.Turn != before.Turn || !after.Reopen.Equal(before.Reopen) { // there is something to say, or a time to wait for
		return false, s.bus.SetTimer(ctx, id, clock())
	}
	return false, nil
}

// offer stores the job of the target. The server refuses it while another is
// stored for the host; if that is the very same, it is there already. A target that is
// to be left alone has none.
func (s *Scheduler) offer(ctx context.Context, o order, target, wave int, t contract.Target) error {
	if left, err := s.leaveAlone(ctx, o, target, wave, t); err != nil || left {
		return err
	}
	ctx, span := s.seen.Span(observe.Continue(ctx, o.Traceparent), observe.Produces, "offer",
		observe.Deployment(o.Deployment), observe.Host(t.Host), observe.Wave(wave))
	defer span.End("")
	o.Traceparent = observe.Traceparent(ctx) // the job goes on from here
	job, err := o.job(wave, target, t)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, offerFor)
	defer cancel()
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		err := s.bus.Offer(ctx, t.Zone, t.Host, job)
		if err == nil {
			s.seen.Offered.Inc()
		}
		if !errors.Is(err, bus.ErrOccupied) {
			return err
		}
		stored, storedErr := s.stored(ctx, t.Host)
		switch {
		case storedErr == nil && stored.Deployment == o.Deployment:
			return nil
		case storedErr == nil && pause >= leftAfter:
			storedErr = s.removeIfLeft(ctx, stored)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("host %s: %w", t.Name, errors.Join(err, storedErr))
		case <-time.After(pause):
		}
	}
}

// leftAfter is the pause from which on a job that has ended is no longer thought
// to be with the executor that is about to acknowledge it.
const leftAfter = 100 * time.Millisecond

// storedJob is a job as it stands in the stream.
type storedJob struct {
	contract.Message
	seq uint64
}

// stored returns the job that is stored for a host.
func (s *Scheduler) stored(ctx context.Context, host string) (storedJob, error) {
	last, err := s.bus.Last(ctx, contract.StreamJobs, contract.AnyJobSubject(host))
	if err != nil {
		return storedJob{}, err
	}
	m, err := contract.Decode(last.Data)
	return storedJob{m, last.Seq}, err
}

// removeIfLeft removes a job that has ended: nothing is to be done with it but to
// acknowledge it, and where its zone has no executor nobody would.
func (s *Scheduler) removeIfLeft(ctx context.Context, job storedJob) error {
	e, err := s.endedAs(ctx, job.Deployment, job.Host)
	if err != nil || e.state == "" {
		return err
	}
	s.log.Info().Str("deployment", job.Deployment).Str("host", job.Host).Msg("a job that has ended was left behind and is removed")
	return s.bus.Remove(ctx, contract.StreamJobs, job.seq)
}

// leave takes a deployment out of the queue of a host and gives the host to the
// next one, passing over those that no longer need it.
func (s *Scheduler) leave(ctx context.Context, host, deployment string) error {
	for {
		q, err := s.queues.Change(ctx, host, func(q deploy.Queue) (deploy.Queue, bool, error) {
			next := q.Leave(deployment)
			changed := next.Owner != q.Owner || len(next.Waiting) != len(q.Waiting)
			return next, changed, nil
		})
		if err != nil {
			return fmt.Errorf("queue of host %s: %w", host, err)
		}
		if q.Owner == nil {
			return nil
		}
		gone, err := s.serve(ctx, *q.Owner)
		if err != nil || !gone {
			return err
		}
		deployment = q.Owner.Deployment
	}
}

// serve publishes the job of a claim that owns its host, or says that the claim
// is gone: the deployment has ended, or the target has.
func (s *Scheduler) serve(ctx context.Context, claim deploy.Claim) (gone bool, err error) {
	rec, _, err := s.records.Get(ctx, claim.Deployment)
	if errors.Is(err, bus.ErrNone) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read deployment: %w", err)
	}
	wave, _, err := rec.Rollout.Locate(claim.Target)
	if err != nil {
		return true, nil //nolint:nilerr // a claim outside its plan can never be served
	}
	open, err := s.isOpen(ctx, claim, wave)
	if err != nil || !open {
		return !open, err
	}
	o, err := readOrder(rec.Command)
	if err != nil {
		return false, fmt.Errorf("read stored command: %w", err)
	}
	targets, err := s.piece(ctx, o, claim.Target/deploy.PieceSize)
	if errors.Is(err, errSnapshot) { // the sweep drives what is left of it to its end
		_, err := s.advance(ctx, claim.Deployment, abort(rec.Rollout, err.Error()))
		return true, err
	}
	if err != nil {
		return false, err
	}
	return false, s.offer(ctx, o, claim.Target, wave, targets[claim.Target%deploy.PieceSize])
}
