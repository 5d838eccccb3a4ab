package executor

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// midway is a way to a host on which nothing more goes there, once so many bytes have,
// until it is opened: whatever is to happen in the midst of a transfer happens there, and not
// before or after it because a machine is slow.
type midway struct {
	t       *testing.T
	port    int
	left    int64
	reached chan struct{}
	opened  chan struct{}
	open    func()

	mu   sync.Mutex
	ends []net.Conn
}

func newMidway(t *testing.T, h *hosttest.Host, after int64) *midway {
	t.Helper()
	w := &midway{t: t, left: after, reached: make(chan struct{}), opened: make(chan struct{})}
	w.open = sync.OnceFunc(func() { close(w.opened) })
	w.port = relay(t, h, w.carry, w.close)
	return w
}

// to is the target by this way.
func (w *midway) to(target contract.Target) contract.Target {
	target.Address, target.Port = "127.0.0.1", w.port
	return target
}

// await waits until nothing more goes there.
func (w *midway) await() {
	w.t.Helper()
	select {
	case <-w.reached:
	case <-time.After(patience):
		require.FailNow(w.t, "so much is not sent")
	}
}

func (w *midway) close() {
	w.open()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range w.ends {
		_ = end.Close()
	}
}

func (w *midway) carry(near, far net.Conn) {
	w.mu.Lock()
	w.ends = append(w.ends, near, far)
	w.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(gate{far, w}, near)
		_ = far.Close()
	})
	both.Go(func() {
		_, _ = io.Copy(near, far)
		_ = near.Close()
	})
	both.Wait()
}

// gate is where what goes to the host is counted, and waits.
type gate struct {
	to io.Writer
	of *midway
}

func (g gate) Write(p []byte) (int, error) {
	g.of.mu.Lock()
	before := g.of.left
	g.of.left -= int64(len(p))
	g.of.mu.Unlock()
	if before >= 0 && before < int64(len(p)) {
		close(g.of.reached)
	}
	if before < int64(len(p)) {
		<-g.of.opened
	}
	return g.to.Write(p)
}
