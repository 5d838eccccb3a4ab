package e2e

import (
	"context"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// pace is how many bytes a second lines carry towards their hosts; 0: as many as come. It may change at any time, but not
// down to nothing: who hears nothing of a host gives it up.
type pace struct{ rate atomic.Int64 }

func steady(bytesPerSecond int) *pace {
	p := &pace{}
	p.set(bytesPerSecond)
	return p
}

func (p *pace) set(bytesPerSecond int) { p.rate.Store(int64(bytesPerSecond)) }

// lasts is how long so many bytes take.
func (p *pace) lasts(bytes int) time.Duration {
	rate := p.rate.Load()
	if rate == 0 {
		return 0
	}
	return time.Duration(bytes) * time.Second / time.Duration(rate)
}

// slowly describes a host behind a line of this pace, so that a transfer takes as long as a test needs to meet it half way.
func slowly(t testing.TB, h *hosttest.Host, p *pace) spec {
	t.Helper()
	s := specOf(h)
	s["address"], s["port"] = "127.0.0.1", slowLine(t, net.JoinHostPort(h.Addr, strconv.Itoa(h.Port)), p)
	return s
}

// slowLine forwards connections to the address and returns the port that it listens on.
func slowLine(t testing.TB, address string, p *pace) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &line{address: address, pace: p, open: map[net.Conn]bool{}}
	l.all.Go(func() { l.accept(listener) })
	t.Cleanup(func() {
		_ = listener.Close()
		l.hangUp()
		l.all.Wait()
	})
	return listener.Addr().(*net.TCPAddr).Port
}

type line struct {
	address string
	pace    *pace
	all     sync.WaitGroup

	mu     sync.Mutex
	open   map[net.Conn]bool
	closed bool
}

func (l *line) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		far, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.address)
		if err != nil {
			_ = near.Close()
			continue
		}
		// Buffers of the kernel's own choice would swallow a package whole.
		_ = near.(*net.TCPConn).SetReadBuffer(64 << 10)
		_ = far.(*net.TCPConn).SetWriteBuffer(64 << 10)
		if !l.keep(near, far) {
			return
		}
		l.all.Go(func() { l.carry(far, near, l.pace) })
		l.all.Go(func() { l.carry(near, far, &pace{}) })
	}
}

// carry copies one direction; when it ends, so does the connection.
func (l *line) carry(to, from net.Conn, p *pace) {
	defer from.Close()
	defer to.Close()
	chunk := make([]byte, 16<<10)
	for {
		n, err := from.Read(chunk)
		if n > 0 {
			time.Sleep(p.lasts(n)) //nolint:forbidigo // this makes the line slow
			if _, err := to.Write(chunk[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *line) keep(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		l.open[c] = true
		if l.closed {
			_ = c.Close()
		}
	}
	return !l.closed
}

func (l *line) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.open {
		_ = c.Close()
	}
}
