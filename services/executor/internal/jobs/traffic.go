package jobs

import (
	"context"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/haproxy"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// switching is a switch of traffic from one set of servers to another, as a
// balancer or a host of the old set sees it.
type switching struct {
	version  string
	from, to contract.ServerSet
	haproxy  *contract.HAProxy // nil: by the command
	command  string
}

// environment is what a command is told of.
func (s switching) environment() []hostcmd.Variable {
	return []hostcmd.Variable{
		{Name: "SLIPWAY_VERSION", Value: s.version},
		{Name: "SLIPWAY_FROM", Value: s.from.Name},
		{Name: "SLIPWAY_TO", Value: s.to.Name},
		{Name: "SLIPWAY_FROM_SERVERS", Value: strings.Join(s.from.Servers, "\n")},
		{Name: "SLIPWAY_TO_SERVERS", Value: strings.Join(s.to.Servers, "\n")},
	}
}

// switchTraffic has this balancer send traffic to the other set. The outcome says
// whether it may do so: where the deployment goes back, so must the balancer.
func (a *attempt) switchTraffic(ctx context.Context) (note string, err error) {
	s := a.switching
	if s.haproxy == nil {
		a.outcome.Changed = true // a command that fails may have done half of it
		return "", a.carryOver(ctx)
	}
	backend := haproxy.Backend{Name: s.haproxy.Backend, Ask: func(ctx context.Context, line string) (string, error) {
		return a.host.Ask(ctx, s.haproxy.Socket, line)
	}}
	touched, err := backend.Switch(ctx, s.to.Servers, s.from.Servers)
	// An earlier try may have switched it, too.
	a.outcome.Changed = a.outcome.Changed || touched || a.again()
	if err == nil && !touched {
		note = "traffic goes to " + s.to.Name + " already"
	}
	a.outcome.Note = note
	return note, err
}

// carryOver runs the command that the deployment was given for this host.
func (a *attempt) carryOver(ctx context.Context) error {
	_, err := a.perform(ctx, hostcmd.Task{Name: string(a.kind), Command: a.switching.command, Environment: a.switching.environment()})
	return err
}
