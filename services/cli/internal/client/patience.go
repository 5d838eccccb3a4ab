package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"sync"
	"time"
)

// patience is how much longer an operation, repeats included, may go without a sign of life from the gateway. Bytes
// that move are one: a large upload takes as long as it takes.
type patience struct {
	limit time.Duration

	mu    sync.Mutex
	until time.Time
	timer *time.Timer // of the attempt under way
}

func newPatience(limit time.Duration) *patience {
	return &patience{limit: limit, until: time.Now().Add(limit)}
}

// left is how long it may still take.
func (p *patience) left() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

// watch returns a context that ends with errSilent when patience does.
func (p *patience) watch(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	timer := time.AfterFunc(time.Until(p.until), func() { cancel(errSilent) })
	p.timer = timer
	return ctx, func() { timer.Stop(); cancel(nil) }
}

// renew is told that bytes moved.
func (p *patience) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Now().Add(p.limit)
	p.timer.Reset(p.limit)
}

// reading returns a reader that renews patience with all that is read.
func (p *patience) reading(r io.Reader) io.Reader { return &observedReader{r, func(int) { p.renew() }} }

// observedReader tells how much each read brought.
type observedReader struct {
	io.Reader
	read func(n int)
}

func (r *observedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 {
		r.read(n)
	}
	return n, err
}

// passing says whether the operation is worth repeating.
func passing(err error) bool {
	var p *Problem
	if errors.As(err, &p) {
		return p.passing()
	}
	var lost *unreachableError
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &lost) && !errors.As(err, &certificate)
}

const (
	firstWait = 200 * time.Millisecond
	lastWait  = 3 * time.Second
)

// backoff is how long to wait after this attempt, counted from 0: what the gateway asks for, else twice as long each
// time.
func backoff(attempt int, err error) time.Duration {
	var p *Problem
	if errors.As(err, &p) && p.retryAfter > 0 {
		return p.retryAfter
	}
	return min(firstWait<<min(attempt, 10), lastWait)
}
