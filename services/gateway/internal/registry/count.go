package registry

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// finding is what a count says of a replica.
type finding struct {
	contract.ReplicaEvent
	last uint64 // sequence of what was said of it before
}

// count asks all replicas who they are, and says which are lost and which have
// returned.
func (r *Registry) count(ctx context.Context, self string) {
	began := time.Now()
	there := false
	err := r.bus.Replicas(ctx, min(max(r.every/5, shortest), longest), func(found bus.Registered) { //nolint:mnd // a part of the time between counts
		there = there || found.ID == self
		r.see(found)
	})
	if err != nil || !there || ctx.Err() != nil {
		return // the broker is not there as it should be: nobody is lost for that
	}
	for _, f := range r.judge(began, self) {
		r.say(ctx, f)
	}
}

// see keeps what a replica says of itself.
func (r *Registry) see(found bus.Registered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.of(found.Service, found.ID)
	k.Registered, k.Seen, k.missed = found, time.Now(), 0
}

// judge returns what is to be said after a count that began then.
func (r *Registry) judge(began time.Time, self string) (all []finding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, k := range r.known {
		event := contract.ReplicaEvent{
			Service: k.Service, Replica: id, Version: k.Version, Machine: k.Metadata[bus.MetadataMachine], By: self,
		}
		switch answered := k.Seen.After(began); {
		case answered && k.State == contract.ReplicaLost:
			event.State = contract.ReplicaReturned
			all = append(all, finding{event, k.said})
		case k.forgotten(): // each start has an id of its own: they would be ever more
			delete(r.known, id)
		case answered, k.State == contract.ReplicaLost, k.Since.After(began):
		default:
			if k.missed++; k.missed < lostAfter {
				continue
			}
			if k.said == 0 { // it never told anything: there is nothing to contradict
				delete(r.known, id)
				continue
			}
			event.State = contract.ReplicaLost
			all = append(all, finding{event, k.said})
		}
	}
	return all
}

// say stores a finding, unless something else was said of the replica before. What
// follows from it, follows from reading it.
func (r *Registry) say(ctx context.Context, f finding) {
	ctx, cancel := context.WithTimeout(ctx, r.every)
	defer cancel()
	data, err := contract.Encode(contract.Envelope{}, f.ReplicaEvent)
	if err == nil {
		_, err = r.bus.Append(ctx, contract.StreamReplicas, contract.ReplicaSubject(f.Service, f.Replica), f.last, "", data)
	}
	if err != nil && !errors.Is(err, bus.ErrConflict) && ctx.Err() == nil {
		r.log.Warn().Err(err).Str("service", f.Service).Str("replica", f.Replica).Msg("what became of a replica cannot be said; it is tried again")
	}
}
