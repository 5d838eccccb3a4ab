package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Restart stops a program, or all programs of a group, starts them anew, and waits
// until they count as running. A program of a group is named group:program. It fails
// with ErrUnknown, ErrNotStarted and ErrRefused.
func (s Supervisor) Restart(ctx context.Context, name string) error {
	for _, do := range []string{"stop", "start"} {
		if err := s.each(ctx, do, name); err != nil {
			return err
		}
	}
	return nil
}

// each has a program, or those of a group, stop or start. Asked by the group, those
// that have stopped already, or run, are passed over.
func (s Supervisor) each(ctx context.Context, do, name string) error {
	group, program, one := strings.Cut(name, ":")
	if one {
		p, err := s.process(ctx, name)
		if err != nil || do == "stop" && !p.running || do == "start" && p.running {
			return err
		}
		_, err = s.call(ctx, "supervisor."+do+"Process", group+":"+program, true)
		return explain(do, name, err)
	}
	all, err := s.call(ctx, "supervisor."+do+"ProcessGroup", group, true)
	if err != nil {
		return explain(do, name, err)
	}
	for _, p := range all.Array {
		if p.field("status").number() != statusSuccess {
			which := p.field("group").text() + ":" + p.field("name").text()
			return explain(do, which, fault{p.field("status").number(), p.field("description").text()})
		}
	}
	return nil
}

// process is how a process stands.
type process struct {
	running bool
	state   string // as supervisord says it, with what it says besides
	since   time.Duration
}

func (s Supervisor) process(ctx context.Context, name string) (process, error) {
	v, err := s.call(ctx, "supervisor.getProcessInfo", name)
	if err != nil {
		return process{}, explain("look", name, err)
	}
	return processOf(v), nil
}

func processOf(v value) process {
	state := v.field("statename").text()
	if wrong := v.field("spawnerr").text(); wrong != "" {
		state += " (" + wrong + ")"
	}
	return process{
		running: v.field("statename").text() == "RUNNING" || v.field("statename").text() == "STARTING",
		state:   state,
		since:   time.Duration(v.field("now").number()-v.field("start").number()) * time.Second,
	}
}

// Alive returns nil where a program, or all of a group, have run for so long, in whole
// seconds. It fails with ErrUnknown and ErrRefused, and says with ErrNotStarted how the
// others stand.
func (s Supervisor) Alive(ctx context.Context, name string, during time.Duration) error {
	all, err := s.call(ctx, "supervisor.getAllProcessInfo")
	if err != nil {
		return explain("look", name, err)
	}
	found := false
	for _, v := range all.Array {
		full := v.field("group").text() + ":" + v.field("name").text()
		if full != name && v.field("group").text() != name {
			continue
		}
		found = true
		switch p := processOf(v); {
		case v.field("statename").text() != "RUNNING":
			return fmt.Errorf("%w: %s is %s", ErrNotStarted, full, p.state)
		case p.since < during:
			return fmt.Errorf("%w for long enough: %s has run for %s", ErrNotStarted, full, p.since)
		}
	}
	if !found {
		return fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	return nil
}

// explain gives a fault a kind.
func explain(do, name string, err error) error {
	var f fault
	switch {
	case err == nil, !errors.As(err, &f):
		return err
	case f.code == faultBadName:
		return fmt.Errorf("%w: %s", ErrUnknown, name)
	case do == "start":
		return fmt.Errorf("%w: %s: %s", ErrNotStarted, name, f.text)
	}
	return fmt.Errorf("%w to %s %s: %s", ErrRefused, do, name, f.text)
}
