package ssh

import (
	"net"
	"sync"
	"sync/atomic"
)

// wire is a network connection that remembers what the protocol above it does not tell: whether anything arrives, and
// what broke first.
type wire struct {
	net.Conn
	received atomic.Int64 // bytes

	mu     sync.Mutex
	broken error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.received.Add(int64(n))
	return n, w.note(err)
}

func (w *wire) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	return n, w.note(err)
}

func (w *wire) note(err error) error {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.broken == nil {
			w.broken = err
		}
	}
	return err
}

// failure is the first error of the connection, if there was one.
func (w *wire) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}
