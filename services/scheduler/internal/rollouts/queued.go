package rollouts

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// queue is how much of what was stored is not done.
type queue struct {
	waiting, taken uint64
	oldest         time.Time // when the oldest of them was stored; zero: there is none
}

// showQueues reads the queues for who looks at them. What cannot be read is not shown:
// a number of before would be believed.
func (s *Scheduler) showQueues(ctx context.Context) {
	for name, read := range map[string]func(context.Context) (queue, error){"commands": s.queuedCommands, "jobs": s.queuedJobs} {
		q, err := read(ctx)
		if err != nil {
			s.log.Debug().Err(err).Str("queue", name).Msg("a queue cannot be looked at now")
			s.seen.Queued.DeletePartialMatch(map[string]string{"queue": name})
			s.seen.Oldest.DeletePartialMatch(map[string]string{"queue": name})
			continue
		}
		s.seen.Queued.WithLabelValues(name, "waiting").Set(float64(q.waiting))
		s.seen.Queued.WithLabelValues(name, "taken").Set(float64(q.taken))
		age := 0.
		if !q.oldest.IsZero() {
			age = max(0, time.Since(q.oldest).Seconds())
		}
		s.seen.Oldest.WithLabelValues(name).Set(age)
	}
}

// queuedCommands is what no scheduler has carried out: commands stay stored after it.
func (s *Scheduler) queuedCommands(ctx context.Context) (queue, error) {
	c, err := s.bus.JetStream().Consumer(ctx, contract.StreamCommands, durable)
	if err != nil {
		return queue{}, err
	}
	info := c.CachedInfo() // it was asked for just now
	q := queue{waiting: info.NumPending, taken: uint64(max(0, info.NumAckPending))}
	if q.waiting+q.taken == 0 {
		return q, nil
	}
	oldest, err := s.bus.Next(ctx, contract.StreamCommands, contract.CommandsAll, info.AckFloor.Stream)
	if errors.Is(err, bus.ErrNone) { // it was carried out meanwhile
		return queue{}, nil
	}
	q.oldest = oldest.At
	return q, err
}

// queuedJobs is what no executor has ended: a job is removed with its end.
func (s *Scheduler) queuedJobs(ctx context.Context) (queue, error) {
	stream, err := s.bus.JetStream().Stream(ctx, contract.StreamJobs)
	if err != nil {
		return queue{}, err
	}
	var taken uint64
	zones := stream.ListConsumers(ctx)
	for c := range zones.Info() {
		taken += uint64(max(0, c.NumAckPending))
	}
	if err := zones.Err(); err != nil && !errors.Is(err, jetstream.ErrEndOfData) {
		return queue{}, err
	}
	state := stream.CachedInfo().State
	taken = min(taken, state.Msgs)
	q := queue{waiting: state.Msgs - taken, taken: taken}
	if state.Msgs > 0 {
		q.oldest = state.FirstTime
	}
	return q, nil
}
