package bus

import (
	"context"
	"errors"
	"sync"
)

// looks has those who ask the same at the same time share an answer: the hosts of a wave ask
// the same of their deployment all at once. None is given an answer that was asked for before
// it came, so whatever had happened by then is in it: x/sync/singleflight would give such a
// one, and what one asks for would end with the first who gives up.
type looks[V any] struct {
	mu    sync.Mutex
	under map[string]*question[V]
}

// question is what at least one asks now.
type question[V any] struct {
	asking chan struct{} // holds one who asks the broker
	next   *answer[V]    // of the next who asks it: that of all who come until then
	users  int
}

type answer[V any] struct {
	here  chan struct{} // closed when the others are set
	value V
	err   error
}

// look returns what ask does, or did for another who came before it was called. An error
// that is the end of another's ctx is nobody else's.
func (l *looks[V]) look(ctx context.Context, about string, ask func(context.Context) (V, error)) (V, error) {
	q, mine := l.enter(about)
	defer l.leave(about, q)
	select {
	case q.asking <- struct{}{}:
	case <-mine.here:
		return mine.value, mine.err
	case <-ctx.Done():
		var none V
		return none, errors.Join(ErrUnavailable, context.Cause(ctx))
	}
	defer func() { <-q.asking }()
	select {
	case <-mine.here:
		return mine.value, mine.err
	default:
	}
	l.begin(q, mine)
	value, err := ask(ctx)
	if err == nil || ctx.Err() == nil {
		mine.value, mine.err = value, err
		close(mine.here)
	}
	return value, err
}

func (l *looks[V]) enter(about string) (*question[V], *answer[V]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under == nil {
		l.under = map[string]*question[V]{}
	}
	q := l.under[about]
	if q == nil {
		q = &question[V]{asking: make(chan struct{}, 1), next: newAnswer[V]()}
		l.under[about] = q
	}
	q.users++
	return q, q.next
}

func (l *looks[V]) leave(about string, q *question[V]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.users--; q.users == 0 {
		delete(l.under, about)
	}
}

// begin has whoever comes from now on wait for a later answer.
func (l *looks[V]) begin(q *question[V], given *answer[V]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q.next == given {
		q.next = newAnswer[V]()
	}
}

func newAnswer[V any]() *answer[V] { return &answer[V]{here: make(chan struct{})} }

// ask is repeat for what many wait for: what was asked for over a connection that is gone is
// asked for anew over the next one, and not waited for.
func (b *Bus) ask(ctx context.Context, fn func(context.Context) error) error {
	return repeat(ctx, func(ctx context.Context) error {
		here, leave := b.connection.within(ctx)
		defer leave()
		return fn(here)
	})
}
