package history

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/history/internal/fold"
)

// observe has the gauges set of how far the documents are behind the events. They are
// read from the stream, not noted with each batch: what folds nothing must not seem to
// be up to date.
func (s *Service) observe(nc *nats.Conn, follower *fold.Follower) {
	follower.Tell(func(b fold.Batch) {
		s.seen.Folded.Add(float64(b.Events - b.SetAside))
		s.seen.SetAside.Add(float64(b.SetAside))
		s.seen.Batches.Observe(b.Took.Seconds())
	})
	s.seen.OnRead(func(ctx context.Context) {
		s.seen.Folds.Set(0)
		if follower.Folding() {
			s.seen.Folds.Set(1)
		}
		events, since, err := behind(ctx, nc, s.position.Seq())
		if err != nil {
			s.log.Debug().Err(err).Msg("how far the documents are behind cannot be seen now")
			s.seen.Behind.Reset()
			s.seen.Lag.Reset()
			return
		}
		s.seen.Behind.WithLabelValues().Set(float64(events))
		s.seen.Lag.WithLabelValues().Set(since.Seconds())
	})
}

// behind returns how many events come after this one, and how long ago the first of
// them was stored.
func behind(ctx context.Context, nc *nats.Conn, seq uint64) (events uint64, since time.Duration, err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, 0, fmt.Errorf("open JetStream: %w", err)
	}
	stream, err := js.Stream(ctx, contract.StreamEvents)
	if err != nil {
		return 0, 0, fmt.Errorf("look at the event stream: %w", err)
	}
	state := stream.CachedInfo().State // it was asked for just now
	seq = max(seq, max(state.FirstSeq, 1)-1)
	if state.LastSeq <= seq {
		return 0, 0, nil
	}
	next, err := stream.GetMsg(ctx, seq+1, jetstream.WithGetMsgSubject(contract.EventsAll))
	if err != nil {
		return 0, 0, fmt.Errorf("read the next event: %w", err)
	}
	return state.LastSeq - seq, max(0, time.Since(next.Time)), nil
}
