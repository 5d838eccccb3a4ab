// Package lifecycletest runs the components of services in the process of a test.
package lifecycletest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// patience bounds a start and a stop, on a busy machine.
const patience = 2 * time.Minute

// Start runs a component, which keeps what lifecycle.Component asks of it, and
// returns when it is ready. It fails the test if the component ends before.
//
// The component is stopped when the test ends, or by the function that is
// returned, which may be called again. It returns when the component has. The
// test fails if that is with an error, but for a context.Canceled that comes of
// stopping.
func Start(t testing.TB, run func(ctx context.Context, ready func()) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan struct{})
	var ended error // valid once done is closed
	go func() {
		defer close(done)
		ended = run(ctx, sync.OnceFunc(func() { close(ready) }))
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case <-done:
		case <-time.After(patience):
			t.Error("it does not stop")
			return
		}
		if ended != nil && !errors.Is(ended, context.Canceled) {
			t.Errorf("it ended: %v", ended)
		}
	})
	t.Cleanup(stop)
	select {
	case <-ready:
	case <-done:
		require.FailNow(t, "it ended before it was ready", "%v", ended)
	case <-time.After(patience):
		require.FailNow(t, "it is not ready")
	}
	return stop
}
