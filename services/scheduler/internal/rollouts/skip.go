package rollouts

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// skip ends hosts that have not begun, so that they never do. The first event of
// a host decides, as it does when a deployment stops; what follows from it comes
// with the events. It fails with a deploy.RefusedError that names the hosts for
// which it came too late; the others are skipped all the same.
func (c *controls) skip(ctx context.Context, id string, ask contract.Control) (deploy.Rollout, error) {
	rec, _, err := c.records.Get(ctx, id)
	if err != nil {
		return rec.Rollout, err
	}
	r := rec.Rollout
	switch {
	case r.Over():
		return r, &deploy.RefusedError{Message: fmt.Sprintf("the deployment has ended: %s", r.Status().State)}
	case r.End != nil:
		return r, &deploy.RefusedError{Message: "the deployment is being stopped"}
	case r.Phase == deploy.Planning:
		return r, errBehind
	}
	o, err := readOrder(rec.Command)
	if err != nil {
		return r, fmt.Errorf("read stored command: %w", err)
	}
	note := "skipped by " + ask.Actor
	if ask.Reason != "" {
		note += ": " + ask.Reason
	}
	var late []string
	for _, host := range ask.Skip {
		why, err := c.skipHost(ctx, o, r, host, note)
		if err != nil {
			return r, err
		}
		if why != "" {
			late = append(late, host.Name+" "+why)
		}
	}
	if len(late) > 0 {
		return r, &deploy.RefusedError{Message: strings.Join(late, ", ")}
	}
	return r, nil
}

// skipHost ends a host as skipped, or says why not.
func (c *controls) skipHost(ctx context.Context, o order, r deploy.Rollout, host contract.PlannedTarget, note string) (why string, err error) {
	target, err := c.ordinal(ctx, o, r, host)
	if err != nil || target < 0 {
		return "is no host of this deployment", err
	}
	if o.role(host.Wave) == deploy.RoleBalancer {
		return "is a balancer: without it traffic would stay with the old set", nil
	}
	subject := contract.JobEventSubject(o.Deployment, host.Host)
	ended := contract.JobEndedEvent{State: string(deploy.Skipped), Note: note}
	if err := c.first(ctx, contract.StreamEvents, subject, o.unbegun(r, target, host.Host), ended); err != nil {
		return "", err
	}
	_, m, err := c.lastWord(ctx, subject)
	if err != nil {
		return "", err
	}
	switch b, isEnd := m.Body.(contract.JobEndedEvent); {
	case !isEnd:
		return "has begun already", nil
	case deploy.State(b.State) != deploy.Skipped:
		return "has ended already: " + b.State, nil
	}
	return "", nil
}

// ordinal finds the host among the targets of its wave; -1 where it is not there.
func (c *controls) ordinal(ctx context.Context, o order, r deploy.Rollout, host contract.PlannedTarget) (int, error) {
	found := -1
	if host.Wave < 0 || host.Wave >= r.Waves.Len() {
		return found, nil
	}
	wave := r.Waves.At(host.Wave)
	for at := wave.First; at < wave.First+wave.Count && found < 0; {
		piece := at / deploy.PieceSize
		snapshot, err := c.piece(ctx, o, piece)
		if errors.Is(err, errSnapshot) {
			return found, bus.ErrNone // it has ended meanwhile
		}
		if err != nil {
			return found, err
		}
		for i, t := range snapshot.Targets {
			if t.Host == host.Host && wave.Contains(piece*deploy.PieceSize+i) {
				found = piece*deploy.PieceSize + i
			}
		}
		at = (piece + 1) * deploy.PieceSize
	}
	return found, nil
}
