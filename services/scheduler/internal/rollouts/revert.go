package rollouts

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/xid"

	"github.com/slipway-deploy/slipway/libs/bus"
	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// goBack has a rollback take back what the deployment has switched, and follows it
// to its end. The rollback is a deployment of its own: it tells this one when it
// ends (tellReverted), and the sweep looks, should that be lost.
func (s *Scheduler) goBack(ctx context.Context, o order, r deploy.Rollout) (deploy.Move, error) {
	if r.Revert != nil {
		rec, _, err := s.records.Get(ctx, r.Revert.ID)
		switch {
		case err == nil && rec.Rollout.Over():
			return reverted(rec.Rollout.Outcome().State), nil
		case err == nil:
			return nil, s.tell(ctx, o, r)
		case !errors.Is(err, bus.ErrNone):
			return nil, fmt.Errorf("read deployment: %w", err)
		}
	}
	switched, err := s.switched(ctx, o, r)
	switch {
	case err != nil:
		return nil, err
	case len(switched) == 0:
		return reverted(deploy.Skipped), nil
	case r.Revert == nil:
		id := xid.New().String()
		return func(now deploy.Rollout) deploy.Rollout { return now.RevertAs(id) }, nil
	}
	if err := s.tell(ctx, o, r); err != nil {
		return nil, err
	}
	return nil, s.orderRevert(ctx, o, r, switched)
}

// forgottenAfter is how long after a wave began the stream may no longer keep how
// it ended. No replica lags for so long; a host of which nothing is known may run
// what the deployment brought, and is left alone if it does not.
const forgottenAfter = time.Hour

func reverted(how deploy.State) deploy.Move {
	return func(now deploy.Rollout) deploy.Rollout { return now.Reverted(how) }
}

// undo is a target that is to go back, and what it is to the deployment.
type undo struct {
	contract.Target
	role deploy.Role
}

// switched returns the targets that run, or may run, what the deployment brought,
// and the balancers that send traffic there, or may: the last that began first.
// Only a deployment of a package brings something.
func (s *Scheduler) switched(ctx context.Context, o order, r deploy.Rollout) ([]undo, error) {
	b, deploys := o.Body.(contract.DeployCommand)
	if !deploys {
		return nil, nil
	}
	begun := deploy.Range{Count: r.Current().First + r.Let}
	var (
		mu    sync.Mutex
		found = map[int]undo{}
	)
	err := s.eachTarget(ctx, o, begun, func(ctx context.Context, i int, t contract.Target) error {
		_, m, err := s.lastWord(ctx, contract.JobEventSubject(o.Deployment, t.Host))
		forgotten := errors.Is(err, bus.ErrNone)
		if err != nil && !forgotten {
			return err
		}
		ended, isEnd := m.Body.(contract.JobEndedEvent)
		if !isEnd && time.Since(r.Began) < forgottenAfter {
			return errBehind // all have ended: what was read comes from a replica that lags
		}
		wave, _ := r.Waves.Of(i)
		if forgotten || runs(ended, m.Attempt, b.Package.Version) {
			mu.Lock()
			defer mu.Unlock()
			found[i] = undo{t, o.role(wave)}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	targets := make([]undo, 0, len(found))
	for i := begun.Count - 1; i >= 0; i-- {
		if t, ok := found[i]; ok {
			targets = append(targets, t)
		}
	}
	return targets, nil
}

// runs says whether a host may run the version since the deployment switched to
// it, or a balancer may send traffic there. A host that does not say what it runs
// may, if an attempt was cut short there: by the next one, by a person who took the
// host from it, or because its job was lost.
func runs(ended contract.JobEndedEvent, attempt int, version string) bool {
	switch {
	case deploy.State(ended.State) == deploy.Succeeded, ended.Changed:
		return ended.Changed
	case ended.Failure != nil && (ended.Failure.Code == contract.FailLockBroken || ended.Failure.Code == contract.FailJobLost):
		return attempt > 0
	case ended.Release != "":
		return ended.Release == version
	}
	return attempt > 1
}

// orderRevert orders the rollback. It goes through no more hosts at once than the
// deployment did.
func (s *Scheduler) orderRevert(ctx context.Context, o order, r deploy.Rollout, undos []undo) error {
	id := r.Revert.ID
	targets := make([]contract.Target, len(undos))
	for i, u := range undos {
		targets[i] = u.Target
	}
	snapshot := contract.Snapshot{ID: id + "-" + id, Targets: len(targets), Zones: zonesOf(targets)}
	for piece := range slices.Chunk(targets, deploy.PieceSize) {
		if _, err := s.snapshots.Put(ctx, snapshotKey(snapshot, snapshot.Pieces), contract.PieceOf(piece)); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
		snapshot.Pieces++
	}
	back := contract.RollbackCommand{
		Rollout: contract.Rollout{
			Application: o.rollout.Application, Work: o.rollout.Work, Snapshot: snapshot, Actor: o.rollout.Actor, Origin: o.rollout.Origin,
			Policy: contract.Policy{
				Strategy: wayBack(o, r, undos),
				Failures: contract.Failures{Total: "100%"}, // one that stays behind keeps no other from going back
				Progress: o.rollout.Policy.Progress, Limits: o.rollout.Policy.Limits,
			},
		},
		Of: o.Deployment, From: o.Body.(contract.DeployCommand).Package.Version, Automatic: true,
	}
	return s.first(ctx, contract.StreamCommands, contract.CommandSubject(contract.VerbRollback, id), contract.Envelope{
		ID: id, Deployment: id, Project: o.Project, Traceparent: o.Traceparent, Time: clock(),
	}, back)
}

// wayBack is in which waves the hosts go back: all at once, or else balancers
// first, so that no host changes under traffic.
func wayBack(o order, r deploy.Rollout, undos []undo) contract.Strategy {
	back := contract.Strategy{Type: string(deploy.AllAtOnce), MaxParallel: widest(r)}
	sets := o.rollout.Policy.Strategy.BlueGreen
	if sets == nil {
		return back
	}
	back.Type = string(deploy.BlueGreen)
	back.BlueGreen = &contract.BlueGreen{From: sets.To, To: sets.From, Traffic: sets.Traffic}
	for _, u := range undos {
		if n := len(back.Sets); n == 0 || back.Sets[n-1].Role != string(u.role) {
			back.Sets = append(back.Sets, contract.Set{Role: string(u.role)})
		}
		back.Sets[len(back.Sets)-1].Targets++
	}
	return back
}

// widest is how many hosts the deployment may have had at work at once.
func widest(r deploy.Rollout) int {
	most := r.Policy.Strategy.MaxParallel
	if most <= 0 {
		most = deploy.DefaultMaxParallel
	}
	if s := r.Policy.Strategy; s.MinHealthy != (deploy.Amount{}) {
		all := r.Waves.At(0).Count // blueGreen: the new set has a health to keep
		if s.Kind != deploy.BlueGreen {
			all = r.Targets()
		}
		most = min(most, max(1, all-s.MinHealthy.Of(all)))
	}
	return min(most, r.Waves.Widest())
}

// tellReverted lets the deployment that a rollback takes back by itself know that
// it has ended.
func (s *Scheduler) tellReverted(ctx context.Context, o order, how deploy.State) error {
	b, ok := o.Body.(contract.RollbackCommand)
	if !ok || !b.Automatic {
		return nil
	}
	_, err := s.advance(ctx, b.Of, reverted(how))
	if errors.Is(err, bus.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.bus.SetTimer(ctx, b.Of, clock())
}
