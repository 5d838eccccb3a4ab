package throttle

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestARateIsKept(t *testing.T) {
	r := NewRates(10)
	allowed := 0
	for ms := range 10_000 { // a request each millisecond
		if r.Take("a", start.Add(time.Duration(ms)*time.Millisecond)) == 0 {
			allowed++
		}
	}
	require.InDelta(t, 20+10*10, allowed, 1)
	r.Take("a", start.Add(10*time.Second))
	wait := r.Take("a", start.Add(10*time.Second))
	require.Positive(t, wait)
	require.LessOrEqual(t, wait, 100*time.Millisecond)
	require.Zero(t, r.Take("b", start), "one does not slow another")
	require.Zero(t, r.Take("a", start.Add(10*time.Second+wait)), "after the wait it may")
}

func TestWithoutALimitEverybodyMay(t *testing.T) {
	r := NewRates(0)
	for range 1000 {
		require.Zero(t, r.Take("a", start))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	r, g := NewRates(1), NewGuesses(1)
	for i := range 3 * mostKnown {
		key := fmt.Sprint(i)
		r.Take(key, start)
		g.Failed(key, "x", start)
	}
	require.Len(t, r.known.byKey, mostKnown)
	require.Len(t, g.known.byKey, mostKnown)
	require.Equal(t, mostKnown, r.known.order.Len())
	require.Zero(t, g.Wait("0", start), "the oldest is forgotten")
	require.NotZero(t, g.Wait(fmt.Sprint(3*mostKnown-1), start))
}

func TestWhoGuessesWaitsTwiceAsLongEachTime(t *testing.T) {
	g := NewGuesses(3)
	now := start
	var waits []time.Duration
	for i := range 16 {
		g.Failed("a", fmt.Sprint(i), now)
		waits = append(waits, g.Wait("a", now))
		now = now.Add(g.Wait("a", now))
	}
	require.Equal(t, []time.Duration{0, 0, 1e9, 2e9, 4e9, 8e9}, waits[:6])
	require.Equal(t, longestWait, waits[15])
	require.Zero(t, g.Wait("b", now))
	g.Succeeded("a")
	g.Failed("a", "x", now)
	require.Zero(t, g.Wait("a", now), "a success resets")
}

func TestTheSameCredentialAgainIsNoGuess(t *testing.T) {
	g := NewGuesses(3)
	for range 100 {
		g.Failed("a", "revoked", start)
	}
	require.Zero(t, g.Wait("a", start))
}

func TestGuessesAreForgivenAfterAWhile(t *testing.T) {
	g := NewGuesses(2)
	g.Failed("a", "1", start)
	g.Failed("a", "2", start.Add(forgiven+time.Second))
	require.Zero(t, g.Wait("a", start.Add(forgiven+time.Second)))
	never := NewGuesses(0)
	for i := range 100 {
		never.Failed("a", fmt.Sprint(i), start)
	}
	require.Zero(t, never.Wait("a", start))
}
