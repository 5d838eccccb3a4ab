package bus

import (
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Answer sends the answer to a request that micro handed over, from any
// goroutine. The request's own Respond is for its handler alone: micro reads the
// request again when the handler returns.
func Answer(nc *nats.Conn, req micro.Request, data []byte) error {
	return nc.Publish(req.Reply(), data)
}

// Answering gives each request that micro hands over a goroutine of its own: micro
// hands over one after the other. The zero value is ready.
type Answering struct {
	mu     sync.Mutex // between Go and Close: none may begin once Wait is called
	closed bool
	all    sync.WaitGroup
}

// Go runs fn in a goroutine. Once Close was called it does nothing: who asked gets
// no answer and asks another replica.
func (a *Answering) Go(fn func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closed {
		a.all.Go(fn)
	}
}

// Close lets no request begin any more.
func (a *Answering) Close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
}

// Wait returns once all that began has ended. Close comes first.
func (a *Answering) Wait() { a.all.Wait() }
