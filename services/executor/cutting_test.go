package executor

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/slipway-deploy/slipway/libs/hosttest"
)

// cutting is a way to a host that breaks, once, at a point of what is said on it: where
// one side is about to speak after the other, or has spoken for another piece.
type cutting struct {
	port int

	mu    sync.Mutex
	ends  []net.Conn
	sayer int
	left  int // bytes until the next point, if the same side goes on
	point int
	rule  breach
	broke *cut
}

// breach says where a way breaks, and how.
type breach struct {
	at    int  // the point; that of never is none
	deaf  bool // the host learns nothing of it
	stall bool // nor does the executor: nothing comes through
}

const (
	never = -1
	piece = 32 << 10
)

// cut is one that was made.
type cut struct {
	sayer int // who was about to speak
	when  time.Time
}

func newCutting(t *testing.T, h *hosttest.Host) *cutting {
	t.Helper()
	w := &cutting{rule: breach{at: never}}
	w.port = relay(t, h, w.carry, w.close)
	return w
}

// arm has the way break as the rule says, counted from now.
func (w *cutting) arm(rule breach) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sayer, w.left, w.point, w.rule, w.broke = never, 0, 0, rule, nil
}

// state is at which point the way is, and where it broke.
func (w *cutting) state() (point int, broke *cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.point, w.broke
}

func (w *cutting) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range w.ends {
		_ = end.Close()
	}
}

// carry carries a connection, also once it is cut, to nowhere.
func (w *cutting) carry(near, far net.Conn) {
	w.mu.Lock()
	w.ends = append(w.ends, near, far)
	w.mu.Unlock()
	broken := false // guarded by mu
	pass := func(to, from net.Conn, sayer int) {
		buf := make([]byte, piece)
		for {
			n, err := from.Read(buf)
			w.mu.Lock()
			if err == nil && !broken && w.breaks(sayer, n) {
				broken = true
				if !w.rule.stall {
					_ = near.Close()
				}
				if !w.rule.deaf && !w.rule.stall {
					_ = far.Close()
				}
			}
			lost, deaf := broken, broken && w.rule.deaf
			w.mu.Unlock()
			switch {
			case err != nil && deaf:
				return
			case err != nil:
				_ = to.Close()
				return
			case !lost:
				_, _ = to.Write(buf[:n])
			}
		}
	}
	var both sync.WaitGroup
	both.Go(func() { pass(far, near, client) })
	both.Go(func() { pass(near, far, host) })
	both.Wait()
}

// breaks says whether the way breaks before n bytes that this side says. Callers hold
// the lock.
func (w *cutting) breaks(sayer, n int) bool {
	if w.broke != nil {
		return false
	}
	if sayer != w.sayer || n > w.left {
		if w.point == w.rule.at {
			w.broke = &cut{sayer, time.Now()}
			return true
		}
		w.sayer, w.left = sayer, piece
		w.point++
	}
	w.left -= n
	return false
}
