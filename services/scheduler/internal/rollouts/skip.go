package rollouts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	ordinals, err := c.ordinals(ctx, o, r, ask.Skip)
	if err != nil {
		return r, err
	}
	whys := make([]string, len(ask.Skip))
	err = each(ctx, 0, len(whys), func(ctx context.Context, i int) (err error) {
		host := ask.Skip[i]
		target, ok := ordinals[host.Host]
		if !ok {
			whys[i] = host.Name + " is no host of this deployment"
			return nil
		}
		if whys[i], err = c.skipHost(ctx, o, r, target, host.Host, note); whys[i] != "" {
			whys[i] = host.Name + " " + whys[i]
		}
		return err
	})
	if err != nil {
		return r, err
	}
	late := slices.DeleteFunc(whys, func(why string) bool { return why == "" })
	if len(late) > 0 {
		return r, &deploy.RefusedError{Message: strings.Join(late, ", ")}
	}
	return r, nil
}

// skipHost ends a host as skipped, or says why not.
func (c *controls) skipHost(ctx context.Context, o order, r deploy.Rollout, target int, host, note string) (why string, err error) {
	if wave, _ := r.Waves.Of(target); o.role(wave) == deploy.RoleBalancer {
		return "is a balancer: without it traffic would stay with the old set", nil
	}
	subject := contract.JobEventSubject(o.Deployment, host)
	ended := contract.JobEndedEvent{State: string(deploy.Skipped), Note: note}
	if err := c.first(ctx, contract.StreamEvents, subject, o.unbegun(r, target, host), ended); err != nil {
		return "", err
	}
	_, m, err := c.lastWord(ctx, subject)
	switch {
	case errors.Is(err, bus.ErrNone):
		return "", errBehind // there is a word by now: a replica lags
	case err != nil:
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

// ordinals finds the hosts among the targets of their waves.
func (c *controls) ordinals(ctx context.Context, o order, r deploy.Rollout, hosts []contract.PlannedTarget) (map[string]int, error) {
	wanted, waves := map[string]int{}, map[int]bool{} // wave by host
	for _, h := range hosts {
		if h.Wave >= 0 && h.Wave < r.Waves.Len() {
			wanted[h.Host], waves[h.Wave] = h.Wave, true
		}
	}
	var (
		mu    sync.Mutex
		found = map[string]int{}
	)
	for wave := range waves {
		err := c.eachTarget(ctx, o, r.Waves.At(wave), func(_ context.Context, i int, t contract.Target) error {
			mu.Lock()
			defer mu.Unlock()
			if in, ok := wanted[t.Host]; ok && in == wave {
				found[t.Host] = i
			}
			return nil
		})
		if errors.Is(err, errSnapshot) {
			return nil, bus.ErrNone // it has ended meanwhile
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
