package bus

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// firedFor is how long a timer that went off is kept for a reader. One that
// nobody read in that time is lost: timers are hints.
const firedFor = "1h"

// SetTimer has the broker put a message under contract.TimerFired at this time,
// in place of the one that was set before. It is written by hand since nats.go
// truncates the time to seconds.
func (b *Bus) SetTimer(ctx context.Context, deployment string, at time.Time) error {
	msg := nats.NewMsg(contract.TimerSet(deployment))
	msg.Header.Set("Nats-Schedule", "@at "+at.UTC().Format(time.RFC3339Nano))
	msg.Header.Set("Nats-Schedule-Target", contract.TimerFired(deployment))
	msg.Header.Set("Nats-Schedule-TTL", firedFor)
	msg.Data = []byte(deployment)
	return repeat(ctx, func(ctx context.Context) error {
		_, err := b.js.PublishMsg(ctx, msg, jetstream.WithRetryAttempts(0))
		return classify(err)
	})
}
