package rollouts

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// leaveSwitched ends a balancer that a deployment would turn back by itself, and
// that a later one has switched since: traffic stays where that sent it. The caller
// owns the host, so that nobody switches it meanwhile. What a person rolls back is
// their own decision.
func (s *Scheduler) leaveSwitched(ctx context.Context, o order, target, wave int, t contract.Target) (left bool, err error) {
	back, ok := o.Body.(contract.RollbackCommand)
	if !ok || !back.Automatic || o.role(wave) != deploy.RoleBalancer {
		return false, nil
	}
	by, err := s.switchedSince(ctx, o, back.Of, t.Host)
	if err != nil || by == "" {
		return false, err
	}
	rec, _, err := s.records.Get(ctx, o.Deployment)
	if err != nil {
		return false, fmt.Errorf("read deployment: %w", err)
	}
	_, err = s.failHost(ctx, o, rec.Rollout, target, t.Host, contract.Failure{
		Code: contract.FailSuperseded, Reason: "the deployment " + by + " has switched this balancer since; traffic stays where it is",
	})
	return err == nil, err
}

// switchedSince returns the first deployment that has begun to switch the same
// traffic on a balancer after the one that is taken back had ended there; "" where
// none has. Other deployments may use the balancer for traffic of their own.
func (s *Scheduler) switchedSince(ctx context.Context, back order, of, host string) (by string, err error) {
	after, _, err := s.lastWord(ctx, contract.JobEventSubject(of, host))
	if err != nil && !errors.Is(err, bus.ErrNone) { // where that is no longer kept, all that is came later
		return "", fmt.Errorf("read end on balancer: %w", err)
	}
	seen := map[string]bool{of: true, back.Deployment: true}
	for {
		next, err := s.bus.Next(ctx, contract.StreamEvents, contract.JobEventsOn(host), after)
		if errors.Is(err, bus.ErrNone) {
			return "", nil
		}
		if err != nil {
			return "", fmt.Errorf("read what happened on balancer: %w", err)
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
		same, err := s.switchesAs(ctx, m.Deployment, m.Wave, back)
		if err != nil || same {
			return m.Deployment, err
		}
	}
}

// switchesAs says whether a wave of a deployment switches the traffic that the way
// back would. One whose command is no longer kept may.
func (s *Scheduler) switchesAs(ctx context.Context, deployment string, wave int, back order) (bool, error) {
	stored, err := s.bus.Last(ctx, contract.StreamCommands, contract.AnyCommandSubject(deployment))
	if errors.Is(err, bus.ErrNone) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("read command: %w", err)
	}
	o, err := readOrder(stored.Data)
	if err != nil || o.role(wave) != deploy.RoleBalancer {
		return false, err
	}
	mine, theirs := back.rollout.Policy.Strategy.BlueGreen.Traffic.HAProxy, o.rollout.Policy.Strategy.BlueGreen.Traffic.HAProxy
	if mine != nil && theirs != nil {
		return *mine == *theirs, nil
	}
	return o.rollout.Application.Name == back.rollout.Application.Name, nil // all that is known of what a command switches
}
