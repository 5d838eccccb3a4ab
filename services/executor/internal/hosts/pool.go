package hosts

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

const (
	freshFor  = time.Second     // a connection that was well so long ago is taken to be so still
	probeWait = 5 * time.Second // for a sign of life; what is slower is replaced
)

// PoolSettings bound what a Pool keeps.
type PoolSettings struct {
	IdleTime time.Duration // how long a connection is kept that nobody uses; 0: not at all
	IdleMax  int           // connections that are kept so; the one that was used longest ago goes first
	Share    int           // hosts that one connection to a jump host serves at once, at least 2
}

// Pool keeps connections for who needs them next:
//
//	opened ──> in use ── released ──> idle ── taken, and answers ──> in use
//	              └── released after it broke, ──┴── idle for too long, one too many, ──> closed
//	                  or with work under way on it    or ended meanwhile
//
// A connection to a host has one user at a time. One to a jump host has many: each
// of the connections that pass through it, which hold it for as long as they live.
// Connections are found by all that they were made with (keyOf), so whoever
// changed a credential or a host key never meets one that was made before.
type Pool struct {
	set PoolSettings

	mu      sync.Mutex
	conns   map[string][]*pooled
	opening map[string]*opening // connections to jump hosts
	closed  bool

	stop    chan struct{}
	janitor sync.WaitGroup
}

// pooled is a connection and who uses it. Its fields but the first three are
// guarded by the pool.
type pooled struct {
	key     string
	client  *ssh.Client
	through *lease // the jump host's; nil: none

	users   int
	well    time.Time // when it was last known to be
	idle    time.Time // since when nobody uses it
	retired bool      // it gets no more users
}

// opening is a connection that one user opens while others wait for it.
type opening struct {
	done      chan struct{}
	err       error
	abandoned bool // who opened it gave up; that says nothing about the host
}

// opener opens a connection, and says which one it passes through.
type opener func(context.Context) (*ssh.Client, *lease, error)

// NewPool returns a pool. It is to be closed.
func NewPool(set PoolSettings) *Pool {
	p := &Pool{set: set, conns: map[string][]*pooled{}, opening: map[string]*opening{}, stop: make(chan struct{})}
	if set.IdleTime > 0 {
		p.janitor.Go(p.tidy)
	}
	return p
}

// Close closes the connections that nobody uses, and from now on each other when
// it is released.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.stop)
	}
	gone := p.remove(func(c *pooled) bool { return c.users == 0 })
	p.mu.Unlock()
	closeAll(gone)
	p.janitor.Wait()
}

// Open says how many connections are open: used by somebody, and kept for the next.
func (p *Pool) Open() (inUse, idle int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conns := range p.conns {
		for _, c := range conns {
			if c.users > 0 {
				inUse++
			} else {
				idle++
			}
		}
	}
	return inUse, idle
}

// lease is the use of a connection. It ends once, by release or by drop.
type lease struct {
	pool   *Pool
	conn   *pooled
	reused bool // it was idle before
	ended  sync.Once
}

func (l *lease) client() *ssh.Client { return l.conn.client }

// release gives the connection back. One that has ended, or on which something is
// under way, is closed.
func (l *lease) release() { l.ended.Do(func() { l.pool.giveBack(l.conn, false) }) }

// drop gives the connection back for nobody to use again.
func (l *lease) drop() { l.ended.Do(func() { l.pool.giveBack(l.conn, true) }) }

// take returns a connection under this key that has less than limit users: one that
// is there and answers, or one that is opened. Of many that want the same
// connection to a jump host one opens it; if it cannot be opened, they all learn why.
func (p *Pool) take(ctx context.Context, key string, limit int, open opener) (*lease, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		l, others, err := p.find(key, limit)
		switch {
		case err != nil:
			return nil, err
		case l != nil:
			if l.answers(ctx) {
				return l, nil
			}
		case others != nil:
			select {
			case <-others.done:
				if others.err != nil && !others.abandoned {
					return nil, others.err
				}
			case <-ctx.Done():
			}
		default:
			return p.open(ctx, key, limit, open)
		}
	}
}

// find returns a connection with room for another user, or an opening to wait for.
// With neither, the caller opens one.
func (p *Pool) find(key string, limit int) (*lease, *opening, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, ErrClosed
	}
	for _, c := range p.conns[key] {
		if c.users < limit && !c.retired && c.open() {
			c.users++
			return &lease{pool: p, conn: c, reused: c.users == 1}, nil, nil
		}
	}
	if o := p.opening[key]; o != nil {
		return nil, o, nil
	}
	if limit > 1 {
		p.opening[key] = &opening{done: make(chan struct{})}
	}
	return nil, nil, nil
}

func (c *pooled) open() bool {
	select {
	case <-c.client.Ended():
		return false
	default:
		return true
	}
}

// answers says whether the connection is of use, and ends the lease if not. A
// connection that others use may be slow and well: it gets no more users, and the
// client's own keepalive decides about it.
func (l *lease) answers(ctx context.Context) bool {
	l.pool.mu.Lock()
	fresh := time.Since(l.conn.well) < freshFor
	l.pool.mu.Unlock()
	if fresh {
		return true
	}
	within, cancel := context.WithTimeout(ctx, probeWait)
	defer cancel()
	err := l.client().Probe(within)
	switch {
	case err == nil:
		l.pool.mu.Lock()
		l.conn.well = time.Now()
		l.pool.mu.Unlock()
		return true
	case ctx.Err() != nil:
		l.release()
	default:
		l.drop()
	}
	return false
}

func (p *Pool) open(ctx context.Context, key string, limit int, open opener) (*lease, error) {
	client, through, err := open(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit > 1 {
		o := p.opening[key]
		o.err, o.abandoned = err, ctx.Err() != nil
		delete(p.opening, key)
		close(o.done)
	}
	if err != nil {
		return nil, err
	}
	c := &pooled{key: key, client: client, through: through, users: 1, well: time.Now()}
	p.conns[key] = append(p.conns[key], c)
	if !p.closed && p.set.IdleTime > 0 {
		p.janitor.Go(func() { p.watch(c) })
	}
	return &lease{pool: p, conn: c}, nil
}

// watch forgets the connection if it ends while nobody uses it: what it has in memory is of
// use to nobody.
func (p *Pool) watch(c *pooled) {
	select {
	case <-c.client.Ended():
	case <-p.stop:
		return
	}
	p.mu.Lock()
	gone := p.remove(func(other *pooled) bool { return other == c && c.users == 0 })
	p.mu.Unlock()
	closeAll(gone)
}

func (p *Pool) giveBack(c *pooled, broken bool) {
	p.mu.Lock()
	c.users--
	c.retired = c.retired || broken
	c.idle = time.Now()
	if !broken {
		c.well = c.idle
	}
	unfit := c.retired || !c.client.Idle() || p.closed || p.set.IdleTime <= 0
	gone := p.remove(func(other *pooled) bool { return other == c && c.users == 0 && unfit })
	gone = append(gone, p.excess()...)
	p.mu.Unlock()
	closeAll(gone)
}

// excess removes what is idle beyond the bound. Callers hold the lock.
func (p *Pool) excess() []*pooled {
	var idle []*pooled
	for _, conns := range p.conns {
		for _, c := range conns {
			if c.users == 0 {
				idle = append(idle, c)
			}
		}
	}
	over := len(idle) - p.set.IdleMax
	if over <= 0 {
		return nil
	}
	slices.SortFunc(idle, func(a, b *pooled) int { return cmp.Compare(a.idle.UnixNano(), b.idle.UnixNano()) })
	return p.remove(func(c *pooled) bool { return slices.Contains(idle[:over], c) })
}

// remove takes out the connections that are to go. Callers hold the lock, and close
// them once they do not.
func (p *Pool) remove(goes func(*pooled) bool) []*pooled {
	var gone []*pooled
	for key, conns := range p.conns {
		left := conns[:0:0]
		for _, c := range conns {
			if goes(c) {
				gone = append(gone, c)
			} else {
				left = append(left, c)
			}
		}
		if len(left) == 0 {
			delete(p.conns, key)
		} else {
			p.conns[key] = left
		}
	}
	return gone
}

func closeAll(gone []*pooled) {
	for _, c := range gone {
		_ = c.client.Close()
		if c.through != nil {
			c.through.release()
		}
	}
}

// tidy closes what was idle for too long.
func (p *Pool) tidy() {
	ticker := time.NewTicker(max(p.set.IdleTime/4, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
		}
		p.mu.Lock()
		gone := p.remove(func(c *pooled) bool { return c.users == 0 && time.Since(c.idle) >= p.set.IdleTime })
		p.mu.Unlock()
		closeAll(gone)
	}
}
