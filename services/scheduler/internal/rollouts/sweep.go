package rollouts

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// recordAge is how long the record of an ended deployment stays: longer than a
// command can, so that one that comes again finds that it was carried out.
const recordAge = 8 * 24 * time.Hour

// restFor is for how many sweeps a record may rest that waits for hosts, before
// it is looked at. A slow host keeps one resting for long, and looking costs some
// requests a host.
const restFor = 4

// sweepUntil heals, now and then until ctx ends, what no input would: a host
// held by a deployment that has ended there, a job that was lost with its
// stream, and records that nobody needs any more.
func (s *Scheduler) sweepUntil(ctx context.Context) {
	ticker := time.NewTicker(s.set.Sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		line, projects, err := s.inLine(ctx)
		err = errors.Join(err, s.sweepHosts(ctx), s.sweepRecords(ctx, line), s.sweepSlots(ctx, projects))
		if err != nil && ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("sweep cut short")
		}
	}
}

// sweepHosts looks at every host that has had the same owner for longer than a
// sweep.
func (s *Scheduler) sweepHosts(ctx context.Context) error {
	owners := map[string]deploy.Claim{} // by host
	err := s.queues.Each(ctx, "*", func(q bus.Cell[deploy.Queue]) {
		if q.Value.Owner != nil && time.Since(q.At) >= s.set.Sweep {
			owners[q.Key] = *q.Value.Owner
		}
	})
	errs := []error{err}
	for host, owner := range owners {
		errs = append(errs, s.heal(ctx, host, owner))
	}
	return errors.Join(errs...)
}

// heal serves the owner of a host again: its job is stored if it is not, and
// its claim is dropped if it is gone.
func (s *Scheduler) heal(ctx context.Context, host string, owner deploy.Claim) error {
	if _, err := s.bus.Last(ctx, contract.StreamJobs, contract.AnyJobSubject(host)); err == nil {
		return nil // an executor has it, or will
	} else if !errors.Is(err, bus.ErrNone) {
		return err
	}
	gone, err := s.serve(ctx, owner)
	if err == nil && gone {
		err = s.leave(ctx, host, owner.Deployment)
	}
	return err
}

// sweepRecords looks at every record that has not moved for some sweeps, but for
// those of deployments that are in line for a place: they are moved from there.
func (s *Scheduler) sweepRecords(ctx context.Context, line map[string]bool) error {
	var still []bus.Cell[record]
	err := s.records.Each(ctx, "*", func(rec bus.Cell[record]) {
		r := rec.Value.Rollout
		inLine := line[rec.Key] && r.Phase == deploy.Held && r.Hold.Kind == deploy.ForSlot
		if !inLine && time.Since(rec.At) >= s.set.Sweep {
			still = append(still, rec)
		}
	})
	errs := []error{err}
	for _, rec := range still {
		r := rec.Value.Rollout
		rests := r.Phase == deploy.InProgress || r.Phase == deploy.Draining
		if rests && !r.Due(clock()) && time.Since(rec.At) < restFor*s.set.Sweep {
			errs = append(errs, s.look(ctx, rec.Key, rec.Value))
		} else {
			errs = append(errs, s.revive(ctx, rec))
		}
	}
	return errors.Join(errs...)
}

// revive carries on with a deployment that rests, or removes what is left of
// one that ended long ago.
func (s *Scheduler) revive(ctx context.Context, rec bus.Cell[record]) error {
	r := rec.Value.Rollout
	switch r.Phase {
	case deploy.InProgress, deploy.Draining:
		if r.Due(clock()) { // the timer was lost
			return s.tick(ctx, rec.Key)
		}
		return errors.Join(s.look(ctx, rec.Key, rec.Value), s.reconcile(ctx, rec.Key, rec.Value))
	case deploy.Finished:
		if time.Since(rec.Value.EndedAt) < recordAge {
			return nil
		}
		err := s.records.Delete(ctx, rec.Key, rec.Rev)
		if errors.Is(err, bus.ErrConflict) {
			return nil
		}
		return errors.Join(err, s.results.DeleteBelow(ctx, rec.Key))
	default:
		if _, due := r.Measures(clock()); due { // which takes longer than a sweep may
			return s.bus.SetTimer(ctx, rec.Key, clock())
		}
		return s.tick(ctx, rec.Key)
	}
}

// reconcile compares what the record waits for with what happened: an ending
// that was never counted is counted, and a target that has lost its place in
// the queue of its host enters it again, or ends where nothing may begin any more.
func (s *Scheduler) reconcile(ctx context.Context, id string, rec record) error {
	o, err := readOrder(rec.Command)
	if err != nil {
		return fmt.Errorf("read stored command: %w", err)
	}
	r := rec.Rollout
	// What stands in the results may not have been told to the rollout.
	tallies, err := s.tallies(ctx, id, r, r.Wave)
	if err != nil {
		return err
	}
	after, err := s.advance(ctx, id, func(now deploy.Rollout) deploy.Rollout {
		for piece, tally := range tallies {
			now = now.Note(r.Wave, piece, tally, clock())
		}
		return now
	})
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(after, r) {
		return s.drive(ctx, id) // the next sweep looks for the rest
	}
	var (
		mu     sync.Mutex
		missed []ending
	)
	within := r.Current()
	if r.Dispatches() {
		within.Count = r.Let
	}
	err = s.eachTarget(ctx, o, within, func(ctx context.Context, i int, t contract.Target) error {
		counted, err := s.counted(ctx, id, r, i)
		if err != nil || counted {
			return err
		}
		e, err := s.endedAs(ctx, id, t.Host)
		if err != nil {
			return err
		}
		switch {
		case e.state != "":
			e.host, e.target = t.Host, i
			mu.Lock()
			defer mu.Unlock()
			missed = append(missed, e)
			return nil
		case r.MayBegin(clock()):
			return s.enter(ctx, o, deploy.Claim{Deployment: id, Target: i}, r.Wave, t)
		}
		if r.Dispatches() {
			return nil
		}
		return s.endLost(ctx, o, r, i, t.Host)
	})
	if err != nil || len(missed) == 0 {
		return err
	}
	moved, err := s.record(ctx, id, r, missed)
	for _, e := range missed {
		err = errors.Join(err, s.leave(ctx, e.host, id))
	}
	if err == nil && moved {
		err = s.drive(ctx, id)
	}
	return err
}

// counted says whether the end of a target of the current wave stands in the
// results.
func (s *Scheduler) counted(ctx context.Context, id string, r deploy.Rollout, target int) (bool, error) {
	_, piece, err := r.Locate(target)
	if err != nil {
		return false, err
	}
	results, _, err := s.results.Get(ctx, resultsKey(id, r.Wave, piece))
	if errors.Is(err, bus.ErrNone) {
		return false, nil
	}
	return err == nil && results.Ended(target) != "", err
}

// endedAs returns how a target ended, as its story says; without a state where
// it has not.
func (s *Scheduler) endedAs(ctx context.Context, deployment, host string) (ending, error) {
	_, m, err := s.lastWord(ctx, contract.JobEventSubject(deployment, host))
	if errors.Is(err, bus.ErrNone) {
		return ending{}, nil
	}
	if err != nil {
		return ending{}, err
	}
	b, ok := m.Body.(contract.JobEndedEvent)
	if !ok {
		return ending{}, nil
	}
	e := ending{state: deploy.State(b.State)}
	if b.Failure != nil {
		e.code = b.Failure.Code
	}
	return e, nil
}

// lastWord returns the last event on the subject and its sequence, or
// bus.ErrNone.
func (s *Scheduler) lastWord(ctx context.Context, subject string) (uint64, contract.Message, error) {
	last, err := s.bus.Last(ctx, contract.StreamEvents, subject)
	if err != nil {
		return 0, contract.Message{}, err
	}
	m, err := contract.Decode(last.Data)
	return last.Seq, m, err
}
