package rollouts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// answerWithin is how long an executor has to say that it is there. That nobody
// is, the broker says at once.
const answerWithin = 2 * time.Second

// unserved returns the zones without any executor, in order, that the deployment
// waits for: targets there were let begin, and have not ended. While every zone
// has one, that costs a question a zone; the targets are looked at only where the
// zones differ.
func (s *Scheduler) unserved(ctx context.Context, o order, r deploy.Rollout) ([]string, error) {
	if !r.Begun() || r.Over() {
		return nil, nil
	}
	zones := o.rollout.Snapshot.Zones
	if len(zones) == 0 {
		zones = []string{contract.DefaultZone}
	}
	none, err := s.lacking(ctx, zones)
	if err != nil || len(none) == 0 || len(zones) == 1 {
		return none, err
	}
	return s.waitedFor(ctx, o, r, none)
}

// lacking returns those of the zones that no executor serves, in order. One that
// listens and does not answer in time counts: it may be frozen, or far away. The
// error is one of bus, where the broker does not answer.
func (s *Scheduler) lacking(ctx context.Context, zones []string) ([]string, error) {
	var (
		mu   sync.Mutex
		none []string
	)
	err := each(ctx, 0, len(zones), func(ctx context.Context, i int) error {
		served, err := s.served(ctx, zones[i])
		if err == nil && !served {
			mu.Lock()
			defer mu.Unlock()
			none = append(none, zones[i])
		}
		return err
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("look for executors: %w", err)
	}
	slices.Sort(none)
	return none, nil
}

// served says whether an executor of the zone is there.
func (s *Scheduler) served(ctx context.Context, zone string) (bool, error) {
	try, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	_, err := s.bus.Conn().RequestWithContext(try, contract.ExecutorSubject(zone), nil)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return false, nil
	case ctx.Err() != nil:
		return false, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && s.bus.Connected():
		return true, nil
	case err != nil:
		return false, errors.Join(bus.ErrUnavailable, err)
	}
	return true, nil
}

// waitedFor returns those of the zones in which targets of the current wave were
// let begin and have not ended.
func (s *Scheduler) waitedFor(ctx context.Context, o order, r deploy.Rollout, zones []string) ([]string, error) {
	var (
		mu    sync.Mutex
		found = map[string]bool{}
	)
	within := r.Current()
	within.Count = min(within.Count, r.Let)
	err := s.eachTarget(ctx, o, within, func(ctx context.Context, i int, t contract.Target) error {
		zone := cmp.Or(t.Zone, contract.DefaultZone)
		mu.Lock()
		known := found[zone]
		mu.Unlock()
		if known || !slices.Contains(zones, zone) {
			return nil
		}
		ended, err := s.counted(ctx, o.Deployment, r, i)
		if err == nil && !ended {
			mu.Lock()
			defer mu.Unlock()
			found[zone] = true
		}
		return err
	})
	return slices.DeleteFunc(zones, func(zone string) bool { return !found[zone] }), err
}

// zonesOf returns the zones of targets as a snapshot names them.
func zonesOf(targets []contract.Target) []string {
	var zones []string
	for _, t := range targets {
		zones = append(zones, cmp.Or(t.Zone, contract.DefaultZone))
	}
	slices.Sort(zones)
	if zones = slices.Compact(zones); slices.Equal(zones, []string{contract.DefaultZone}) {
		return nil
	}
	return zones
}
