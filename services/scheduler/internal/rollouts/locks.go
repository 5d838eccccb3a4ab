package rollouts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

const (
	maxLocks = 500
	// showWaiting is how many of those that wait for a place are shown.
	showWaiting = 100
)

// onAdmit keeps a place for a deployment whose command is to come.
func (c *controls) onAdmit(ctx context.Context, m contract.Message) (contract.Body, error) {
	if _, ok := m.Body.(contract.Admit); !ok || !contract.ValidToken(m.Deployment) {
		return nil, errQuestion
	}
	if c.set.Limits.None() {
		return contract.Admitted{}, nil
	}
	in, taken, err := c.enterSlot(ctx, deploy.Holder{Deployment: m.Deployment, Project: m.Project})
	switch {
	case err != nil:
		return nil, err
	case in:
		return contract.Admitted{}, nil
	}
	inProject := 0
	for _, h := range taken.Holders {
		if h.Project == m.Project {
			inProject++
		}
	}
	return nil, fmt.Errorf("%w: %d over all, %d of this project", errNoSlot, len(taken.Holders), inProject)
}

// onListLocks says who has, and who waits for, hosts and places.
func (c *controls) onListLocks(ctx context.Context, m contract.Message) (contract.Body, error) {
	ask, ok := m.Body.(contract.ListLocks)
	if !ok || ask.Limit < 1 || ask.Limit > maxLocks || ask.Host != "" && !contract.ValidToken(ask.Host) {
		return nil, errQuestion
	}
	out := contract.Locks{Hosts: []contract.HostLock{}}
	err := c.queues.Each(ctx, cmp.Or(ask.Host, "*"), func(q bus.Cell[deploy.Queue]) {
		if q.Key <= ask.After || q.Value.Owner == nil {
			return
		}
		lock := contract.HostLock{Host: q.Key, Owner: q.Value.Owner.Deployment}
		for _, w := range q.Value.Waiting {
			lock.Waiting = append(lock.Waiting, w.Deployment)
		}
		out.Hosts = append(out.Hosts, lock)
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out.Hosts, func(a, b contract.HostLock) int { return cmp.Compare(a.Host, b.Host) })
	if len(out.Hosts) > ask.Limit {
		out.Hosts, out.More = out.Hosts[:ask.Limit], true
	}
	out.Slots, err = c.listSlots(ctx)
	return out, err
}

func (c *controls) listSlots(ctx context.Context) (contract.Slots, error) {
	out := contract.Slots{All: c.set.Limits.All, Project: c.set.Limits.Project}
	taken, _, err := c.slots.Get(ctx, slotsKey)
	if err != nil && !errors.Is(err, bus.ErrNone) {
		return out, err
	}
	for _, h := range taken.Holders {
		out.Holders = append(out.Holders, contract.Slot(h))
	}
	for after := uint64(0); len(out.Waiting) < showWaiting; {
		_, w, rev, err := c.waiting.Next(ctx, everyLine, after)
		if errors.Is(err, bus.ErrNone) {
			break
		}
		if err != nil {
			return out, err
		}
		out.Waiting, after = append(out.Waiting, contract.Slot(w)), rev
	}
	return out, nil
}

// onBreakLock takes a host from the deployment that has it: the target fails, by
// an event that competes with those of whoever works there, and the next in the
// queue follows from that as from any end. Whoever still works there learns it
// with the next word, and the host ends what they do there when the next job
// begins.
func (c *controls) onBreakLock(ctx context.Context, m contract.Message) (contract.Body, error) {
	ask, ok := m.Body.(contract.BreakLock)
	if !ok || !contract.ValidToken(m.Host) {
		return nil, errQuestion
	}
	q, _, err := c.queues.Get(ctx, m.Host)
	switch {
	case err != nil:
		return nil, err
	case q.Owner == nil:
		return nil, bus.ErrNone
	case q.Owner.Deployment != ask.Deployment:
		return nil, &deploy.RefusedError{Message: fmt.Sprintf("the deployment %s has this host, not %s", q.Owner.Deployment, ask.Deployment)}
	}
	if err := c.breakLock(ctx, m.Host, *q.Owner, ask); err != nil {
		return nil, err
	}
	c.log.Warn().Str("deployment", ask.Deployment).Str("host", m.Host).Str("actor", ask.Actor).Str("reason", ask.Reason).Msg("lock broken")
	return contract.LockBroken{Deployment: ask.Deployment}, nil
}

func (c *controls) breakLock(ctx context.Context, host string, owner deploy.Claim, ask contract.BreakLock) error {
	rec, _, err := c.records.Get(ctx, owner.Deployment)
	if errors.Is(err, bus.ErrNone) || err == nil && rec.Rollout.Over() {
		return c.leave(ctx, host, owner.Deployment) // it was left behind
	}
	if err != nil {
		return err
	}
	o, err := readOrder(rec.Command)
	if err != nil {
		return fmt.Errorf("read stored command: %w", err)
	}
	if err := c.endBroken(ctx, o, rec.Rollout, host, owner, ask); err != nil {
		return err
	}
	return c.dropJob(ctx, host, owner.Deployment)
}

// endBroken stores the end of the target, unless it has one.
func (c *controls) endBroken(ctx context.Context, o order, r deploy.Rollout, host string, owner deploy.Claim, ask contract.BreakLock) error {
	reason := ask.Actor + " took the host from the deployment"
	if ask.Reason != "" {
		reason += ": " + ask.Reason
	}
	had, err := c.endHost(ctx, o, r, owner.Target, host, failed(contract.FailLockBroken, reason))
	if err != nil || !had {
		return err
	}
	return c.leave(ctx, host, o.Deployment)
}

// dropJob removes the deployment's job for the host, if it is still stored: it
// would keep the next one's from being so.
func (c *controls) dropJob(ctx context.Context, host, deployment string) error {
	stored, err := c.stored(ctx, host)
	if errors.Is(err, bus.ErrNone) || err == nil && stored.Deployment != deployment {
		return nil
	}
	if err != nil {
		return err
	}
	return c.bus.Remove(ctx, contract.StreamJobs, stored.seq)
}
