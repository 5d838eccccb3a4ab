package bus

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// asked is a broker whose answers, which count the questions, wait for the test.
type asked struct {
	looks[int]
	count  int
	answer chan error
}

// together runs a test in which everything waits for something once Wait returns.
func together(t *testing.T, test func(t *testing.T, a *asked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, &asked{answer: make(chan error)}) })
}

// answered is what one who asks gets in the end.
type answered struct {
	value int
	err   error
}

// look has somebody ask about "x", and returns once they wait.
func (a *asked) look(ctx context.Context) *answered {
	got := &answered{}
	go func() {
		got.value, got.err = a.looks.look(ctx, "x", func(ctx context.Context) (int, error) {
			a.count++
			n := a.count
			select {
			case err := <-a.answer:
				return n, err
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		})
	}()
	synctest.Wait()
	return got
}

// say gives the broker's next answer, and returns once all who got it have gone on.
func (a *asked) say(err error) {
	a.answer <- err
	synctest.Wait()
}

func TestWhoeverAsksWhileAnotherIsAnsweredGetsALaterAnswerAndSharesIt(t *testing.T) {
	together(t, func(t *testing.T, a *asked) {
		first := a.look(t.Context())
		var later []*answered
		for range 9 {
			later = append(later, a.look(t.Context()))
		}
		require.Equal(t, 1, a.count)
		a.say(nil)
		require.Equal(t, answered{value: 1}, *first)
		a.say(nil)
		for _, got := range later {
			require.Equal(t, answered{value: 2}, *got, "what was asked for before they came is not theirs")
		}
		require.Empty(t, a.under)
	})
}

func TestWhoAsksAboutSomethingElseWaitsForNobody(t *testing.T) {
	together(t, func(t *testing.T, a *asked) {
		a.look(t.Context())
		n, err := a.looks.look(t.Context(), "y", func(context.Context) (int, error) { return 7, nil })
		require.NoError(t, err)
		require.Equal(t, 7, n)
		a.say(nil)
	})
}

func TestWhoGivesUpTakesNobodyWithThem(t *testing.T) {
	together(t, func(t *testing.T, a *asked) {
		impatient, giveUp := context.WithCancelCause(t.Context())
		a.look(t.Context())
		asks, waits := a.look(impatient), a.look(impatient)
		patient := a.look(t.Context())
		a.say(nil)
		require.Equal(t, 2, a.count, "who came first asks for all")
		gone := errors.New("gone")
		giveUp(gone)
		synctest.Wait()
		require.ErrorIs(t, asks.err, gone)
		require.ErrorIs(t, waits.err, gone)
		require.Zero(t, *patient, "who is left asks anew")
		a.say(nil)
		require.NoError(t, patient.err)
		require.Greater(t, patient.value, 2)
	})
}

func TestARefusalIsSharedAsWell(t *testing.T) {
	together(t, func(t *testing.T, a *asked) {
		a.look(t.Context())
		one, other := a.look(t.Context()), a.look(t.Context())
		a.say(nil)
		a.say(ErrNone)
		require.ErrorIs(t, one.err, ErrNone)
		require.ErrorIs(t, other.err, ErrNone)
	})
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
