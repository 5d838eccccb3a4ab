package bus

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	patience = time.Minute
	tick     = time.Millisecond
)

// asked is a broker whose answers wait for the test.
type asked struct {
	begun  chan int
	answer chan error
	mu     sync.Mutex
	count  int
}

func (a *asked) ask(ctx context.Context) (int, error) {
	a.mu.Lock()
	a.count++
	n := a.count
	a.mu.Unlock()
	select {
	case a.begun <- n:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	select {
	case err := <-a.answer:
		return n, err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// waiting is how many ask about this now.
func (l *looks[V]) waiting(about string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.under[about]; q != nil {
		return q.users
	}
	return 0
}

func TestWhoeverAsksWhileAnotherIsAnsweredGetsALaterAnswerAndSharesIt(t *testing.T) {
	var l looks[int]
	a := &asked{begun: make(chan int), answer: make(chan error)}
	got := make(chan int, 10)
	look := func() {
		n, err := l.look(t.Context(), "x", a.ask)
		require.NoError(t, err)
		got <- n
	}
	go look()
	require.Equal(t, 1, <-a.begun)
	for range 9 {
		go look()
	}
	require.Eventually(t, func() bool { return l.waiting("x") == 10 }, patience, tick)
	a.answer <- nil
	require.Equal(t, 1, <-got)
	require.Equal(t, 2, <-a.begun)
	a.answer <- nil
	for range 9 {
		require.Equal(t, 2, <-got, "what was asked for before they came is not theirs")
	}
	require.Eventually(t, func() bool { return l.waiting("x") == 0 }, patience, tick)
	require.Empty(t, l.under)
}

func TestWhoAsksAboutSomethingElseWaitsForNobody(t *testing.T) {
	var l looks[int]
	a := &asked{begun: make(chan int), answer: make(chan error)}
	go func() { _, _ = l.look(t.Context(), "x", a.ask) }()
	<-a.begun
	n, err := l.look(t.Context(), "y", func(context.Context) (int, error) { return 7, nil })
	require.NoError(t, err)
	require.Equal(t, 7, n)
	a.answer <- nil
}

func TestWhoGivesUpTakesNobodyWithThem(t *testing.T) {
	var l looks[int]
	a := &asked{begun: make(chan int), answer: make(chan error)}
	impatient, giveUp := context.WithCancelCause(t.Context())
	gone, errs := errors.New("gone"), make(chan error, 2)
	go func() {
		_, err := l.look(t.Context(), "x", a.ask)
		errs <- err
	}()
	<-a.begun
	for n := range 2 { // one asks for the others, and one waits for whoever asks
		go func() {
			_, err := l.look(impatient, "x", a.ask)
			errs <- err
		}()
		require.Eventually(t, func() bool { return l.waiting("x") == n+2 }, patience, tick)
	}
	got, himself := make(chan int, 1), make(chan struct{})
	go func() {
		n, err := l.look(t.Context(), "x", func(context.Context) (int, error) {
			close(himself)
			return 42, nil
		})
		assert.NoError(t, err)
		got <- n
	}()
	require.Eventually(t, func() bool { return l.waiting("x") == 4 }, patience, tick)
	a.answer <- nil
	require.NoError(t, <-errs)
	select { // they ask in the order in which they came to wait, which is mostly that in which they began
	case n := <-a.begun:
		require.Equal(t, 2, n, "one asks for all")
	case <-himself:
	}
	giveUp(gone)
	require.Equal(t, 42, <-got)
	for range 2 {
		if err := <-errs; err != nil {
			require.ErrorIs(t, err, gone)
		}
	}
}

func TestARefusalIsSharedAsWell(t *testing.T) {
	var l looks[int]
	a := &asked{begun: make(chan int), answer: make(chan error)}
	errs := make(chan error, 3)
	look := func() {
		_, err := l.look(t.Context(), "x", a.ask)
		errs <- err
	}
	go look()
	<-a.begun
	go look()
	go look()
	require.Eventually(t, func() bool { return l.waiting("x") == 3 }, patience, tick)
	a.answer <- nil
	require.NoError(t, <-errs)
	<-a.begun
	a.answer <- ErrNone
	require.ErrorIs(t, <-errs, ErrNone)
	require.ErrorIs(t, <-errs, ErrNone)
}

func TestWhatWasAskedForOverAConnectionThatIsGoneIsAskedForAnew(t *testing.T) {
	var b Bus
	b.connection.next()
	tries := 0
	require.NoError(t, b.ask(t.Context(), func(ctx context.Context) error {
		if tries++; tries > 1 {
			return nil
		}
		b.connection.next()
		<-ctx.Done()
		require.ErrorIs(t, ctx.Err(), context.Canceled, "it is not its time that is up")
		return classify(ctx.Err())
	}))
	require.Equal(t, 2, tries)
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	var k kept
	const here, elsewhere = 1, 2
	for n := range mostKept + 10 {
		k.put(here, strconv.Itoa(n), written{[]byte("{}"), uint64(n)})
	}
	require.Len(t, k.values, mostKept)
	k.put(here, "a", written{[]byte("{}"), 1})
	k.put(here, "a", written{make([]byte, largestKept+1), 2})
	_, ok := k.take(here, "a")
	require.False(t, ok, "what is there now is too large")

	k.put(here, "a", written{[]byte("{}"), 3})
	_, ok = k.take(elsewhere, "a")
	require.False(t, ok)
	got, ok := k.take(here, "a")
	require.True(t, ok)
	require.EqualValues(t, 3, got.rev)
	k.put(here, "a", written{[]byte("{}"), 4})
	k.drop("a")
	_, ok = k.take(here, "a")
	require.False(t, ok)
}
