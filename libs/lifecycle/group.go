package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// DefaultStopTimeout bounds how long a group takes to stop unless it says
// otherwise. It is what Kubernetes grants a pod.
const DefaultStopTimeout = 30 * time.Second

// Component is one part of a process.
type Component struct {
	Name string // stands before the component's error

	// Run works until ctx ends and has cleaned up when it returns. It calls
	// ready once others may rest on it; more calls do nothing. A component
	// that has nothing to prepare calls it first thing. ctx carries the values
	// of the group's context but neither its end nor its deadline.
	Run func(ctx context.Context, ready func()) error
}

// Group is how to run components together. The zero Group is ready to use.
type Group struct {
	// StopTimeout bounds the whole stop, from its beginning to the return of
	// the last component. Zero is DefaultStopTimeout.
	StopTimeout time.Duration
}

// Run runs components as the zero Group does.
func Run(ctx context.Context, components ...Component) error {
	return Group{}.Run(ctx, components...)
}

// Run starts components one after another, each when the one before is ready.
// When ctx ends or one of them returns, it stops those that run, the last one
// first, each when the one before has returned. It returns when all have.
//
// The result is the first failure, with its component's name; later ones are
// mostly its consequences. It is nil when ctx ended and all stopped in order: a
// context.Canceled that comes of stopping is no failure. An ErrStopTimeout is
// joined to it when components did not stop in time.
func (g Group) Run(ctx context.Context, components ...Component) error {
	ended := make(chan *running, len(components))
	var started []*running
	var failure error
	for _, c := range components {
		if ctx.Err() != nil {
			break
		}
		r := start(ctx, c, ended)
		started = append(started, r)
		var goOn bool
		if goOn, failure = awaitReady(ctx, r, ended); !goOn {
			return g.stop(started, failure)
		}
	}
	select {
	case r := <-ended:
		failure = r.failure(ctx.Err() != nil)
	case <-ctx.Done():
	}
	return g.stop(started, failure)
}

// running is a component that has been started.
type running struct {
	name   string
	cancel context.CancelFunc
	ready  chan struct{} // closed by the component
	done   chan struct{} // closed when Run has returned, with err set
	err    error
}

// start calls c.Run in a goroutine of its own. The component is sent to ended
// when it returns; ended must have room for it.
func start(ctx context.Context, c Component, ended chan<- *running) *running {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{name: c.Name, cancel: cancel, ready: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer cancel()
		r.err = c.Run(ctx, sync.OnceFunc(func() { close(r.ready) }))
		close(r.done)
		ended <- r
	}()
	return r
}

// awaitReady waits until r is ready, and tells whether the start goes on. It
// does not when ctx ends or any component returns; failure is then what the
// component failed with.
func awaitReady(ctx context.Context, r *running, ended <-chan *running) (goOn bool, failure error) {
	select {
	case <-r.ready:
		return true, nil
	case other := <-ended:
		return false, other.failure(ctx.Err() != nil)
	case <-ctx.Done():
		return false, nil
	}
}

// failure is what the component, which has returned, failed with. With stopped
// set, having ended is none.
func (r *running) failure(stopped bool) error {
	switch {
	case stopped && (r.err == nil || errors.Is(r.err, context.Canceled)):
		return nil
	case r.err == nil:
		return fmt.Errorf("%s: %w", r.name, ErrEnded)
	default:
		return fmt.Errorf("%s: %w", r.name, r.err)
	}
}

// stop stops the started components in reverse and returns the group's result.
// failure is what the stop began with, or nil.
func (g Group) stop(started []*running, failure error) error {
	timeout := g.StopTimeout
	if timeout == 0 {
		timeout = DefaultStopTimeout
	}
	over := time.NewTimer(timeout)
	defer over.Stop()
	for len(started) > 0 {
		last := len(started) - 1
		r := started[last]
		r.cancel()
		select {
		case <-r.done:
		case <-over.C:
			return errors.Join(failure, abandon(started, timeout))
		}
		if failure == nil {
			failure = r.failure(true)
		}
		started = started[:last]
	}
	return failure
}

// abandon tells all that still run to stop, without waiting, and names them,
// the one that kept the others waiting first.
func abandon(started []*running, timeout time.Duration) error {
	var names []string
	for i := len(started) - 1; i >= 0; i-- {
		started[i].cancel()
		names = append(names, started[i].name)
	}
	return fmt.Errorf("%s: %w (%s)", strings.Join(names, ", "), ErrStopTimeout, timeout)
}
