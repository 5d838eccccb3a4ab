package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/lifecycle"
)

var errBoom = errors.New("boom")

// diary is what happened, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

// component keeps the diary and runs until it is stopped. at, unless it is
// nil, runs when the component is ready; an error of it is a failure.
func (d *diary) component(name string, at func() error) lifecycle.Component {
	return lifecycle.Component{Name: name, Run: func(ctx context.Context, ready func()) error {
		d.add("start " + name)
		ready()
		if at != nil {
			if err := at(); err != nil {
				d.add("fail " + name)
				return err
			}
		}
		<-ctx.Done()
		d.add("stop " + name)
		return ctx.Err()
	}}
}

func TestComponentsStartInOrderAndStopInReverse(t *testing.T) {
	var d diary
	ctx, cancel := context.WithCancel(t.Context())
	err := lifecycle.Run(ctx,
		d.component("a", nil),
		d.component("b", nil),
		d.component("c", func() error { cancel(); return nil }),
	)
	require.NoError(t, err)
	require.Equal(t, []string{"start a", "start b", "start c", "stop c", "stop b", "stop a"}, d.lines)
}

func TestNothingStartsBeforeTheOneBeforeIsReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		prepared := make(chan struct{})
		slow := lifecycle.Component{Name: "slow", Run: func(ctx context.Context, ready func()) error {
			<-prepared
			ready()
			ready() // once more does nothing
			<-ctx.Done()
			return nil
		}}
		result := make(chan error, 1)
		go func() { result <- lifecycle.Run(ctx, slow, d.component("next", nil)) }()

		synctest.Wait()
		require.Empty(t, d.lines)
		close(prepared)
		synctest.Wait()
		require.Equal(t, []string{"start next"}, d.lines)
		cancel()
		require.NoError(t, <-result)
	})
}

func TestEachStopWaitsForTheOneBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		cleaned := make(chan struct{})
		last := lifecycle.Component{Name: "last", Run: func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			<-cleaned
			return nil
		}}
		result := make(chan error, 1)
		go func() { result <- lifecycle.Run(ctx, d.component("first", nil), last) }()

		synctest.Wait()
		cancel()
		synctest.Wait()
		require.Equal(t, []string{"start first"}, d.lines, "first works while last cleans up")
		close(cleaned)
		require.NoError(t, <-result)
		require.Equal(t, []string{"start first", "stop first"}, d.lines)
	})
}

func TestAFailureStopsTheOthersAndIsReturnedWithItsName(t *testing.T) {
	var d diary
	last := make(chan struct{})
	err := lifecycle.Run(t.Context(),
		d.component("a", nil),
		d.component("b", func() error { <-last; return errBoom }),
		d.component("c", func() error { close(last); return nil }),
	)
	require.ErrorIs(t, err, errBoom)
	require.EqualError(t, err, "b: boom")
	require.Equal(t, []string{"start a", "start b", "start c", "fail b", "stop c", "stop a"}, d.lines)
}

func TestAFailureWhileStartingStartsNothingMore(t *testing.T) {
	var d diary
	broken := lifecycle.Component{Name: "broken", Run: func(context.Context, func()) error { return errBoom }}
	err := lifecycle.Run(t.Context(), d.component("a", nil), broken, d.component("c", nil))
	require.EqualError(t, err, "broken: boom")
	require.Equal(t, []string{"start a", "stop a"}, d.lines)
}

func TestAnEndWhileStartingStopsWhatStarts(t *testing.T) {
	var d diary
	ctx, cancel := context.WithCancel(t.Context())
	never := lifecycle.Component{Name: "never ready", Run: func(ctx context.Context, _ func()) error {
		cancel()
		<-ctx.Done()
		d.add("stop never ready")
		return ctx.Err()
	}}
	require.NoError(t, lifecycle.Run(ctx, d.component("a", nil), never, d.component("c", nil)))
	require.Equal(t, []string{"start a", "stop never ready", "stop a"}, d.lines)

	require.NoError(t, lifecycle.Run(ctx, d.component("z", nil)), "the context has ended before")
	require.NotContains(t, d.lines, "start z")
}

func TestEndingByItselfIsAFailure(t *testing.T) {
	for name, run := range map[string]func(context.Context, func()) error{
		"when ready":     func(_ context.Context, ready func()) error { ready(); return nil },
		"while starting": func(context.Context, func()) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			err := lifecycle.Run(t.Context(), lifecycle.Component{Name: "short", Run: run})
			require.ErrorIs(t, err, lifecycle.ErrEnded)
			require.EqualError(t, err, "short: ended by itself")
		})
	}
}

func TestACancellationThatNobodyAskedForIsAFailure(t *testing.T) {
	err := lifecycle.Run(t.Context(), lifecycle.Component{Name: "lost", Run: func(_ context.Context, ready func()) error {
		ready()
		return context.Canceled
	}})
	require.EqualError(t, err, "lost: context canceled")
}

func TestAFailureWhileStoppingIsReturned(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	failing := func(name string, err error) lifecycle.Component {
		return lifecycle.Component{Name: name, Run: func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			return err
		}}
	}
	var d diary
	err := lifecycle.Run(ctx,
		failing("later", errors.New("a consequence")),
		failing("earlier", errBoom),
		d.component("c", func() error { cancel(); return nil }),
	)
	require.EqualError(t, err, "earlier: boom")
}

func TestTheStopIsBoundedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		var d diary
		stuck := lifecycle.Component{Name: "stuck", Run: func(_ context.Context, ready func()) error {
			ready()
			<-release
			return nil
		}}
		// It uses up most of the time, so that stuck has only the rest.
		slow := lifecycle.Component{Name: "slow", Run: func(ctx context.Context, ready func()) error {
			ready()
			<-ctx.Done()
			time.Sleep(8 * time.Second) //nolint:forbidigo // of the bubble's clock
			return nil
		}}
		started := time.Now()
		err := lifecycle.Group{StopTimeout: 10 * time.Second}.Run(t.Context(),
			d.component("under", nil), stuck, slow,
			d.component("failing", func() error { return errBoom }),
		)
		require.Equal(t, 10*time.Second, time.Since(started))
		require.ErrorIs(t, err, errBoom)
		require.ErrorIs(t, err, lifecycle.ErrStopTimeout)
		require.EqualError(t, err, "failing: boom\nstuck, under: did not stop in time (10s)")

		synctest.Wait()
		require.Contains(t, d.lines, "stop under", "what is left behind is told to stop all the same")
	})
}

func TestComponentsSeeTheValuesOfTheContextButNotItsEnd(t *testing.T) {
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	var value any
	var early error
	looked := make(chan struct{})
	first := lifecycle.Component{Name: "first", Run: func(own context.Context, ready func()) error {
		ready()
		value = own.Value(key{})
		<-ctx.Done()
		early = own.Err()
		close(looked)
		<-own.Done()
		return nil
	}}
	second := lifecycle.Component{Name: "second", Run: func(own context.Context, ready func()) error {
		ready()
		cancel()
		<-looked
		<-own.Done()
		return nil
	}}
	require.NoError(t, lifecycle.Run(ctx, first, second))
	require.Equal(t, "value", value)
	require.NoError(t, early)
}
