package haproxy

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// lookEvery is the pause between two looks at servers that are not fit yet.
	lookEvery = 500 * time.Millisecond
	// undoWithin bounds the way back after a failure.
	undoWithin = 5 * time.Second
)

// Ask sends one line to the socket and returns all that HAProxy says.
type Ask func(ctx context.Context, line string) (answer string, err error)

// Backend is a backend of a running HAProxy.
type Backend struct {
	Name string
	Ask  Ask
}

// nameForm is what HAProxy allows in names. Its commands are split at newlines,
// semicolons and spaces, none of which it has.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,128}$`)

// Switch has traffic go to some servers of the backend instead of others. It waits
// for them to be fit, within nine tenths of the time that ctx leaves. Repeating it
// changes nothing more.
//
// Where it fails it takes back what it did. touched says whether traffic may have
// been changed, and was not seen to be taken back. Errors are ErrRefused, ErrUnfit,
// ErrInvalid and those of Ask.
func (b Backend) Switch(ctx context.Context, to, from []string) (touched bool, err error) {
	for _, name := range slices.Concat([]string{b.Name}, to, from) {
		if !nameForm.MatchString(name) {
			return false, fmt.Errorf("%w name for haproxy: %q", ErrInvalid, name)
		}
	}
	now, err := b.awaitFit(ctx, to, from)
	if err != nil {
		return false, err
	}
	// Those that stand right are left alone, so that a repeat is harmless, and so
	// that what is taken back is what was done.
	ready := slices.DeleteFunc(slices.Clone(to), func(name string) bool { return now[name].taking() })
	drain := slices.DeleteFunc(slices.Clone(from), func(name string) bool { return now[name].resting() })
	err = b.set(ctx, "state ready", ready)
	if err == nil {
		err = b.requireTaking(ctx, to)
	}
	if err == nil {
		err = b.set(ctx, "state drain", drain)
	}
	if err != nil {
		return b.undo(ctx, ready, drain) != nil, err
	}
	return len(ready)+len(drain) > 0, nil
}

// undo has traffic go where it went. The old servers come first.
func (b Backend) undo(ctx context.Context, readied, drained []string) error {
	ctx, cancel := context.WithTimeout(ctx, undoWithin)
	defer cancel()
	if err := b.set(ctx, "state ready", drained); err != nil {
		return err
	}
	return b.set(ctx, "state drain", readied)
}

// ask asks, unless the right to do so has ended with ctx.
func (b Backend) ask(ctx context.Context, line string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	return b.Ask(ctx, line)
}

// set sets what HAProxy has for servers, one after the other.
func (b Backend) set(ctx context.Context, what string, servers []string) error {
	for _, name := range servers {
		answer, err := b.ask(ctx, "set server "+b.Name+"/"+name+" "+what+"\n")
		if err != nil {
			return err
		}
		if strings.TrimSpace(answer) != "" { // a success has no words
			return fmt.Errorf("server %s: %w", name, refusal(answer))
		}
	}
	return nil
}

// awaitFit returns how all servers stand once the new ones are fit. What HAProxy
// knows of those without traffic may be from before their release changed: it is
// made to forget that, and must find each of them well anew. One in maintenance is
// drained first: else it is not checked.
func (b Backend) awaitFit(ctx context.Context, to, from []string) (map[string]server, error) {
	if until, ok := ctx.Deadline(); ok {
		within, cancel := context.WithTimeout(ctx, time.Until(until)*9/10)
		defer cancel()
		ctx = within
	}
	if err := b.forget(ctx, to, from); err != nil {
		return nil, err
	}
	var unfit error
	for {
		now, err := b.look(ctx, to, from)
		if err != nil {
			return nil, later(ctx, unfit, err)
		}
		if unfit = check(now, to, server.fit); unfit == nil {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return nil, later(ctx, unfit, ctx.Err())
		case <-time.After(lookEvery):
		}
	}
}

// forget has HAProxy take servers without traffic for ill until its checks, if
// there are any, find otherwise.
func (b Backend) forget(ctx context.Context, to, from []string) error {
	now, err := b.look(ctx, to, from)
	if err != nil {
		return err
	}
	maintained := slices.DeleteFunc(slices.Clone(to), func(name string) bool { return !now[name].maintained() })
	if len(maintained) > 0 {
		if err := b.set(ctx, "state drain", maintained); err != nil {
			return err
		}
		if now, err = b.look(ctx, to, from); err != nil { // whether they have checks is said only now
			return err
		}
	}
	return b.set(ctx, "health down", slices.DeleteFunc(slices.Clone(to), func(name string) bool {
		return !now[name].drained() || !now[name].checked
	}))
}

// later is why a wait ended: where its time was up, what it waited for.
func later(ctx context.Context, unfit, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) && errors.Is(unfit, ErrUnfit) {
		return unfit
	}
	return err
}

// requireTaking fails where a server that was just made ready gets no traffic.
func (b Backend) requireTaking(ctx context.Context, servers []string) error {
	now, err := b.look(ctx, servers)
	if err != nil {
		return err
	}
	return check(now, servers, server.taking)
}

// look returns how servers stand, all of which the backend must have.
func (b Backend) look(ctx context.Context, servers ...[]string) (map[string]server, error) {
	answer, err := b.ask(ctx, "show stat "+b.Name+" 4 -1\n")
	if err != nil {
		return nil, err
	}
	now, err := readStat(answer)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Concat(servers...) {
		if _, ok := now[name]; !ok {
			return nil, fmt.Errorf("%w: its backend %s has no server %s", ErrRefused, b.Name, name)
		}
	}
	return now, nil
}

// check returns ErrUnfit with those servers that do not stand so.
func check(now map[string]server, servers []string, stands func(server) bool) error {
	var not []string
	for _, name := range servers {
		if !stands(now[name]) {
			not = append(not, name+" is "+now[name].status)
		}
	}
	if len(not) > 0 {
		return fmt.Errorf("%w: %s", ErrUnfit, strings.Join(not, ", "))
	}
	return nil
}
