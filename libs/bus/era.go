package bus

import (
	"context"
	"sync"

	"github.com/nats-io/nats.go"
)

// era is the time from one connection to the broker to the next. What was asked
// for over an old connection is lost with it: a pull request, for one, is known
// to the connection alone, and nobody says so to who waits for its messages.
type era struct {
	mu     sync.Mutex
	ctx    context.Context //nolint:containedctx // it is the era
	cancel context.CancelFunc
	count  uint64
}

// next ends the era and begins a new one.
func (e *era) next() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cancel != nil {
		e.cancel()
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.count++
}

// number tells the era from others.
func (e *era) number() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count
}

// within returns a context that ends with parent, and with the era.
func (e *era) within(parent context.Context) (context.Context, context.CancelFunc) {
	e.mu.Lock()
	now := e.ctx
	e.mu.Unlock()
	ctx, cancel := context.WithCancel(parent)
	stop := context.AfterFunc(now, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// watchConnection begins an era with each connection, beside what the
// connection's own handler does.
func (b *Bus) watchConnection() {
	b.connection.next()
	before := b.nc.Opts.ReconnectedCB
	b.nc.SetReconnectHandler(func(nc *nats.Conn) {
		b.connection.next()
		if before != nil {
			before(nc)
		}
	})
}
