package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Main runs fn as the whole of a program and returns the exit status for
// os.Exit: 0 when fn succeeded, 1 when it failed, after its error has been
// written to standard error.
//
// SIGINT or SIGTERM ends fn's context. fn's context.Canceled is no failure
// then. A second signal exits at once, with 128 and the signal's number.
func Main(fn func(ctx context.Context) error) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	finished, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		watch(signals, cancel, finished)
	}()

	err := fn(ctx)

	stopped := ctx.Err() != nil
	signal.Stop(signals)
	close(finished)
	<-watched
	if err == nil || stopped && errors.Is(err, context.Canceled) {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
	return 1
}

// watch calls cancel on the first signal and exits on the second.
func watch(signals <-chan os.Signal, cancel context.CancelFunc, finished <-chan struct{}) {
	select {
	case <-signals:
		cancel()
	case <-finished:
		return
	}
	select {
	case s := <-signals:
		status := 1
		if number, ok := s.(syscall.Signal); ok {
			status = 128 + int(number)
		}
		os.Exit(status)
	case <-finished:
	}
}
