package registry

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

const (
	lostAfter = 3 // counts that it does not answer
	// shownFor is how long a replica that is lost is listed; events tell of it longer. The
	// next count forgets it.
	shownFor   = time.Hour
	shortest   = 500 * time.Millisecond // for answers to a count to come in
	longest    = time.Second
	retryPause = time.Second
)

// Replica is a replica of a service.
type Replica struct {
	bus.Registered                       // only service, id and version where it has not answered yet
	State          contract.ReplicaState // ready, where it tells nothing
	Since          time.Time             // of the state; the zero Time where it tells nothing
	Seen           time.Time             // when it last answered; the zero Time: not to this gateway

	told contract.ReplicaState // what it said of itself last
}

// Works says whether the replica does its work. One that has returned says nothing anew where
// it stands as it did before it was lost.
func (r Replica) Works() bool {
	return r.State == contract.ReplicaReady || r.State == contract.ReplicaReturned && r.told != contract.ReplicaStarted
}

// Event is how a replica came or went.
type Event struct {
	Seq uint64
	At  time.Time
	contract.ReplicaEvent
}

// Registry is what one gateway knows of replicas.
type Registry struct {
	bus   *bus.Bus
	log   zerolog.Logger
	every time.Duration
	began time.Time

	mu     sync.Mutex
	known  map[string]*known // by id
	events []Event           // in order, as many as the stream keeps
	last   uint64            // sequence of the newest event
}

type known struct {
	Replica
	said   uint64 // sequence of the newest event about it; 0: there is none
	missed int    // counts in a row
}

// Open reads what is stored. Replicas are counted every so often, by Run.
func Open(ctx context.Context, b *bus.Bus, every time.Duration, log zerolog.Logger) (*Registry, error) {
	r := &Registry{bus: b, log: log, every: every, began: time.Now(), known: map[string]*known{}}
	err := b.Scan(ctx, contract.StreamReplicas, []string{contract.ReplicasAll}, func(s bus.Stored) error {
		r.take(s)
		return nil
	})
	return r, err
}

// Run keeps it up to date until ctx ends. self is this gateway's own replica: a count
// that it does not answer says nothing about others.
func (r *Registry) Run(ctx context.Context, self string) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { r.follow(ctx) })
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for ctx.Err() == nil {
		r.count(ctx, self)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (r *Registry) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := r.followOn(ctx)
		if ctx.Err() != nil {
			return
		}
		r.log.Debug().Err(err).Msg("events of replicas cannot be read; it is tried again")
		select {
		case <-ctx.Done():
		case <-time.After(retryPause):
		}
	}
}

func (r *Registry) followOn(ctx context.Context) error {
	stream, err := r.bus.JetStream().Stream(ctx, contract.StreamReplicas)
	if err != nil {
		return err
	}
	r.mu.Lock()
	if stream.CachedInfo().State.LastSeq < r.last { // it was made anew
		r.events, r.last, r.known = nil, 0, map[string]*known{}
	}
	after := r.last
	r.mu.Unlock()
	return r.bus.Follow(ctx, contract.StreamReplicas, []string{contract.ReplicasAll}, after, func(s bus.Stored) error {
		r.take(s)
		return nil
	})
}

// take keeps an event, and goes by it.
func (r *Registry) take(s bus.Stored) {
	m, err := contract.Decode(s.Data)
	e, ok := m.Body.(contract.ReplicaEvent)
	if err != nil || !ok {
		r.log.Warn().Err(err).Uint64("seq", s.Seq).Msg("an event of a replica cannot be read")
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.Seq <= r.last {
		return
	}
	r.last = s.Seq
	r.events = append(r.events, Event{s.Seq, m.Time, e})
	if len(r.events) > contract.ReplicasKept {
		r.events = slices.Delete(r.events, 0, len(r.events)-contract.ReplicasKept)
	}
	if e.State == contract.ReplicaStopped {
		delete(r.known, e.Replica)
		return
	}
	k := r.of(e.Service, e.Replica)
	k.Version = cmp.Or(e.Version, k.Version)
	if k.Metadata == nil {
		k.Metadata = map[string]string{bus.MetadataMachine: e.Machine}
	}
	k.State, k.Since, k.said, k.missed = e.State, m.Time, s.Seq, 0
	if e.By == "" {
		k.told = e.State
	}
}

// of is what is known of a replica; of one that was forgotten, what was last said of it. The
// caller holds mu.
func (r *Registry) of(service, id string) *known {
	if k := r.known[id]; k != nil {
		return k
	}
	k := &known{Replica: Replica{Registered: bus.Registered{Service: service, ID: id}, State: contract.ReplicaReady}}
	r.known[id] = k
	newest := true
	for _, e := range slices.Backward(r.events) {
		if e.Service != service || e.Replica != id {
			continue
		}
		if newest && e.State == contract.ReplicaLost {
			k.State, k.Since, k.said = e.State, e.At, e.Seq
		}
		if newest = false; e.By == "" {
			k.told = e.State
			break
		}
	}
	return k
}

// forgotten says whether it was lost so long ago that nobody asks for it any more.
func (k *known) forgotten() bool {
	return k.State == contract.ReplicaLost && time.Since(k.Since) >= shownFor
}

// Replicas returns those that there are, and those that were lost lately, ordered by
// service and id. What they hold is for reading.
func (r *Registry) Replicas() []Replica {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Replica
	for _, k := range r.known {
		if !k.forgotten() {
			all = append(all, k.Replica)
		}
	}
	slices.SortFunc(all, func(a, b Replica) int { return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID)) })
	return all
}

// Serves says whether any replica of the service does its work: it says so, and either
// answered lately or has said so since this gateway started.
func (r *Registry) Serves(service string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k := range maps.Values(r.known) {
		if k.Service == service && k.Works() && k.missed < lostAfter && (!k.Seen.IsZero() || k.Since.After(r.began)) {
			return true
		}
	}
	return false
}

// Ping asks a replica whether it is there; see bus.Bus.
func (r *Registry) Ping(ctx context.Context, service, id string) (time.Duration, error) {
	return r.bus.Ping(ctx, service, id)
}

// Activity asks a replica what it has done; see bus.Bus.
func (r *Registry) Activity(ctx context.Context, service, id string) (bus.Activity, error) {
	return r.bus.Activity(ctx, service, id)
}

// Filter says which events are wanted; what is empty matches all.
type Filter struct {
	Service, Replica string
	State            contract.ReplicaState
	Before           uint64 // older ones alone; 0: all
	Limit            int    // at most so many
}

// Events returns events, the newest first, and whether there are older ones.
func (r *Registry) Events(f Filter) (found []Event, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range slices.Backward(r.events) {
		switch {
		case f.Before != 0 && e.Seq >= f.Before,
			f.Service != "" && e.Service != f.Service,
			f.Replica != "" && e.Replica != f.Replica,
			f.State != "" && e.State != f.State:
		case len(found) == f.Limit:
			return found, true
		default:
			found = append(found, e)
		}
	}
	return found, false
}
