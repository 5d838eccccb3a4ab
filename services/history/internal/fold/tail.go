package fold

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
)

// awaitConnection returns nil once there is a connection to the broker.
func awaitConnection(ctx context.Context, nc *nats.Conn) error {
	changes := nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	defer nc.RemoveStatusListener(changes)
	if !nc.IsConnected() {
		select {
		case <-changes:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if nc.IsClosed() {
		return nats.ErrConnectionClosed
	}
	return nil
}

// tail reads the events after this sequence, in order and without a gap, and
// gives them to out. It returns why it ended: when ctx did, or when the
// connection broke, since what stands in its place may be another stream.
func tail(ctx context.Context, b *bus.Bus, after uint64, out chan<- Entry) error {
	return b.Follow(ctx, contract.StreamEvents, nil, after, func(s bus.Stored) error {
		e := Decode(s.Seq, s.Subject, s.At, s.Data)
		e.Behind = s.Behind
		select {
		case out <- e:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
}
