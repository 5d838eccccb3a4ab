package api

import (
	"cmp"
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/gateway/internal/field"
	"github.com/slipway-deploy/slipway/services/gateway/internal/rule"
)

const (
	maxChecks     = 20
	maxTries      = 1000
	defaultTries  = 10
	defaultRetry  = time.Second
	defaultTry    = 5 * time.Second
	defaultSocket = "/run/supervisor.sock" // as Debian's package has it
)

// oneOf says of the fields of which exactly one must be there that it is not so.
func oneOf(o *field.Object, names ...string) {
	given := 0
	for _, name := range names {
		if o.Given(name) && !o.Null(name) {
			given++
		}
	}
	if given != 1 {
		o.Check(names[0], fmt.Sprintf("must be there, or another of %v: one of them", names[1:]))
	}
}

func readRestart(parent *field.Object) *contract.Restart {
	o, ok := parent.Object("restart")
	if !ok {
		return nil
	}
	oneOf(o, "command", "supervisor", "systemd")
	r := contract.Restart{Command: mayHold(o, "command", rule.Command), Supervisor: readSupervisor(o)}
	if s, ok := o.Object("systemd"); ok {
		r.Systemd = &contract.Systemd{Unit: mustHold(s, "unit", rule.Unit)}
		r.Systemd.User, _ = s.Bool("user")
		s.End()
	}
	o.End()
	return &r
}

func readSupervisor(parent *field.Object) *contract.Supervisor {
	o, ok := parent.Object("supervisor")
	if !ok {
		return nil
	}
	s := contract.Supervisor{Program: mustHold(o, "program", rule.Program), Socket: cmp.Or(mayHold(o, "socket", rule.Socket), defaultSocket)}
	o.End()
	return &s
}

func readHostChecks(parent *field.Object) []contract.HostCheck {
	all, _ := parent.Objects("checks")
	if len(all) > maxChecks {
		parent.Check("checks", fmt.Sprintf("must be at most %d", maxChecks))
		return nil
	}
	var checks []contract.HostCheck
	for i, o := range all {
		c := contract.HostCheck{
			Name:    cmp.Or(mayHold(o, "name", rule.TaskName), fmt.Sprintf("check %d", i+1)),
			Command: mayHold(o, "command", rule.Command), TCP: mayHold(o, "tcp", rule.Address),
			Delay: readMilliseconds(o, "delay"), Tries: defaultTries,
			Interval: cmp.Or(readMilliseconds(o, "interval"), defaultRetry.Milliseconds()),
			Timeout:  cmp.Or(readMilliseconds(o, "timeout"), defaultTry.Milliseconds()),
		}
		oneOf(o, "command", "http", "tcp", "process")
		if tries, given := o.Int("tries", 1, maxTries); given {
			c.Tries = tries
		}
		if h, ok := o.Object("http"); ok {
			h.Refuse("timeout", "belongs to the check, beside http")
			c.HTTP = readHTTPCheck(h)
			c.HTTP.Timeout = 0
		}
		if p, ok := o.Object("process"); ok {
			c.Process = readProcess(p)
		}
		o.End()
		checks = append(checks, c)
	}
	return checks
}

func readProcess(o *field.Object) *contract.ProcessCheck {
	oneOf(o, "pattern", "pidfile", "supervisor")
	p := contract.ProcessCheck{
		Pattern: mayHold(o, "pattern", rule.Pattern), Pidfile: mayHold(o, "pidfile", rule.Pidfile),
		Supervisor: readSupervisor(o), For: readMilliseconds(o, "for"),
	}
	o.End()
	return &p
}
