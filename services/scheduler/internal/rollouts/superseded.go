package rollouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// leaveAlone ends a target that others rely on by now: a balancer that a deployment
// would turn back by itself, and that a later one has switched since, fails, for not
// all is taken back; a host of an old set that would be retired, and that a later
// one has begun on since traffic left it, is skipped. The caller owns the host, so that nobody begins there meanwhile. What a
// person rolls back is their own decision.
func (s *Scheduler) leaveAlone(ctx context.Context, o order, target, wave int, t contract.Target) (left bool, err error) {
	var by string
	var end func() contract.JobEndedEvent
	back, automatic := o.Body.(contract.RollbackCommand)
	switch role := o.role(wave); {
	case role == deploy.RoleBalancer && automatic && back.Automatic:
		end = func() contract.JobEndedEvent {
			return failed(contract.FailSuperseded, "the deployment "+by+" has switched this balancer since; traffic stays where it is")
		}
		by, err = s.begunSince(ctx, o, back.Of, t.Host, t.Host, o.switchesAs)
	case role == deploy.RoleOld:
		end = func() contract.JobEndedEvent {
			return contract.JobEndedEvent{State: string(deploy.Skipped), Note: "not retired: the deployment " + by + " has begun on it since traffic had left it"}
		}
		by, err = s.begunOnOld(ctx, o, t.Host)
	}
	if err != nil || by == "" {
		return false, err
	}
	rec, _, err := s.records.Get(ctx, o.Deployment)
	if err != nil {
		return false, fmt.Errorf("read deployment: %w", err)
	}
	_, err = s.endHost(ctx, o, rec.Rollout, target, t.Host, end())
	return err == nil, err
}

// begunOnOld returns the first deployment that has begun on a host of the old set
// since the first balancer had switched.
func (s *Scheduler) begunOnOld(ctx context.Context, o order, host string) (by string, err error) {
	balancer := 0
	for _, set := range o.rollout.Policy.Strategy.Sets {
		if deploy.Role(set.Role) == deploy.RoleBalancer {
			break
		}
		balancer += set.Targets
	}
	targets, err := s.piece(ctx, o, balancer/deploy.PieceSize)
	if err != nil {
		return "", err
	}
	return s.begunSince(ctx, o, o.Deployment, targets[balancer%deploy.PieceSize].Host, host, o.bringsTo)
}

// begunSince returns the first deployment that matters and has begun on a host
// after the deployment of had ended on another, or on the same; "" where none has.
func (s *Scheduler) begunSince(ctx context.Context, o order, of, ended, host string, matters func(order, int) bool) (by string, err error) {
	after, _, err := s.lastWord(ctx, contract.JobEventSubject(of, ended))
	if err != nil && !errors.Is(err, bus.ErrNone) { // where that is no longer kept, all that is came later
		return "", fmt.Errorf("read end on balancer: %w", err)
	}
	seen := map[string]bool{of: true, o.Deployment: true}
	for {
		next, err := s.bus.Next(ctx, contract.StreamEvents, contract.JobEventsOn(host), after)
		if errors.Is(err, bus.ErrNone) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("read what happened on host: %w", err)
		}
		after = next.Seq
		m, err := contract.Decode(next.Data)
		if err != nil {
			return "", err
		}
		if _, begun := m.Body.(contract.JobStartedEvent); !begun || seen[m.Deployment] {
			continue
		}
		seen[m.Deployment] = true
		stored, err := s.bus.Last(ctx, contract.StreamCommands, contract.AnyCommandSubject(m.Deployment))
		if errors.Is(err, bus.ErrNone) { // its command is no longer kept: it may matter
			return m.Deployment, nil
		}
		if err != nil {
			return "", fmt.Errorf("read command: %w", err)
		}
		other, err := readOrder(stored.Data)
		if err != nil || matters(other, m.Wave) {
			return m.Deployment, err
		}
	}
}

// switchesAs says whether a wave of another deployment switches the traffic that
// this one does. Balancers may serve others, too.
func (o order) switchesAs(other order, wave int) bool {
	if other.role(wave) != deploy.RoleBalancer {
		return false
	}
	mine, theirs := o.rollout.Policy.Strategy.BlueGreen.Traffic.HAProxy, other.rollout.Policy.Strategy.BlueGreen.Traffic.HAProxy
	if mine != nil && theirs != nil {
		return *mine == *theirs
	}
	return other.rollout.Application.Name == o.rollout.Application.Name // all that is known of what a command switches
}

// bringsTo says whether a wave of another deployment brings this one's application
// to its hosts.
func (o order) bringsTo(other order, wave int) bool {
	role := other.role(wave)
	return (role == "" || role == deploy.RoleNew) && other.rollout.Application.Name == o.rollout.Application.Name
}
