package rollouts

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// recordAge is how long the record of an ended deployment stays: longer than a
// command can, so that one that comes again finds that it was carried out.
const recordAge = 8 * 24 * time.Hour

// sweepUntil heals, now and then until ctx ends, what no input would: a host
// held by a deployment that has ended there, a job that was lost with its
// stream, and records that nobody needs any more.
func (s *Scheduler) sweepUntil(ctx context.Context) {
	ticker := time.NewTicker(s.sweep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := errors.Join(s.sweepHosts(ctx), s.sweepRecords(ctx)); err != nil && ctx.Err() == nil {
			s.log.Warn().Err(err).Msg("sweep cut short")
		}
	}
}

// sweepHosts looks at every host that has had the same owner for longer than a
// sweep.
func (s *Scheduler) sweepHosts(ctx context.Context) error {
	var errs []error
	err := s.entries(ctx, s.queues.KV(), ">", func(e jetstream.KeyValueEntry) {
		var q deploy.Queue
		if json.Unmarshal(e.Value(), &q) != nil || q.Owner == nil || time.Since(e.Created()) < s.sweep {
			return
		}
		errs = append(errs, s.heal(ctx, e.Key(), *q.Owner))
	})
	return errors.Join(append(errs, err)...)
}

// heal serves the owner of a host again: its job is stored if it is not, and
// its claim is dropped if it is gone.
func (s *Scheduler) heal(ctx context.Context, host string, owner deploy.Claim) error {
	if _, err := s.bus.Last(ctx, contract.StreamJobs, contract.JobSubject(host)); err == nil {
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

func (s *Scheduler) sweepRecords(ctx context.Context) error {
	var errs []error
	err := s.entries(ctx, s.records.KV(), "*", func(e jetstream.KeyValueEntry) {
		var rec record
		if json.Unmarshal(e.Value(), &rec) != nil || rec.Rollout.Phase != deploy.Finished || time.Since(rec.EndedAt) < recordAge {
			return
		}
		if err := s.records.Delete(ctx, e.Key(), e.Revision()); err != nil && !errors.Is(err, bus.ErrConflict) {
			errs = append(errs, err)
		}
	})
	return errors.Join(append(errs, err)...)
}

// entries calls fn for each entry that the bucket holds now.
func (s *Scheduler) entries(ctx context.Context, kv jetstream.KeyValue, keys string, fn func(jetstream.KeyValueEntry)) error {
	watch, err := kv.Watch(ctx, keys, jetstream.IgnoreDeletes())
	if err != nil {
		return err
	}
	defer func() { _ = watch.Stop() }()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-watch.Updates():
			if e == nil { // the end of what was there at the start
				return nil
			}
			fn(e)
		}
	}
}
