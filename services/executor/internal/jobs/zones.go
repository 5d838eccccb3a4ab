package jobs

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// answerers is the group of all executors of a zone: one of them answers.
const answerers = "executors"

// join returns the consumers of the worker's zones. All executors of a zone share
// its consumer.
func (w *Worker) join(ctx context.Context) ([]jetstream.Consumer, error) {
	all := make([]jetstream.Consumer, len(w.set.Zones))
	for i, zone := range w.set.Zones {
		c, err := w.bus.Consumer(ctx, contract.StreamJobs,
			bus.ConsumerConfig("executor-"+zone, contract.JobsOfZone(zone), w.set.AckWait))
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

// attend answers whoever asks whether the zones have an executor, until ctx ends:
// one that ends the jobs that it has takes no more. Where nobody answers, the
// broker says so.
func attend(ctx context.Context, nc *nats.Conn, zones []string) (leave func(), err error) {
	var subs []*nats.Subscription
	leave = func() {
		for _, sub := range subs {
			_ = sub.Drain() // who has asked is answered; fails only if it is gone already
		}
	}
	for _, zone := range zones {
		sub, err := nc.QueueSubscribe(contract.ExecutorSubject(zone), answerers, func(msg *nats.Msg) {
			_ = msg.Respond(nil) // fails only if the connection is gone; they ask again
		})
		if err != nil {
			leave()
			return nil, fmt.Errorf("answer for the zone %s: %w", zone, err)
		}
		subs = append(subs, sub)
	}
	stop := context.AfterFunc(ctx, leave)
	return func() {
		if stop() {
			leave()
		}
	}, nil
}
