package rollouts

import (
	"fmt"
	"time"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
)

// record is the value of a deployment's key in DEPLOY. The results of the
// targets stand beside it, a piece a key, so that it stays small.
type record struct {
	Command []byte         `json:"command,omitempty"` // as it came; dropped at the end
	Rollout deploy.Rollout `json:"rollout"`
	EndedAt time.Time      `json:"ended_at,omitzero"`
}

// clock is the time that decisions are made by, as records and events keep it.
func clock() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// order is a command with what every kind of it has in common.
type order struct {
	contract.Message
	rollout contract.Rollout
}

func readOrder(raw []byte) (order, error) {
	m, err := contract.Decode(raw)
	if err != nil {
		return order{}, err
	}
	switch b := m.Body.(type) {
	case contract.DeployCommand:
		return order{m, b.Rollout}, nil
	case contract.RollbackCommand:
		return order{m, b.Rollout}, nil
	case contract.InitCommand:
		return order{m, b.Rollout}, nil
	default:
		return order{}, fmt.Errorf("%w: %q is no command", contract.ErrUnknownType, m.Type)
	}
}

// job returns the job of this order for one of its targets.
func (o order) job(wave, target int, t contract.Target) ([]byte, error) {
	e := contract.Envelope{
		ID:         o.Deployment + "." + t.Host,
		Deployment: o.Deployment, Project: o.Project, Traceparent: o.Traceparent,
		Host: t.Host, Wave: wave, Target: target,
	}
	return contract.Encode(e, o.task(o.role(wave), t))
}

// task is what there is to do on a host.
func (o order) task(role deploy.Role, t contract.Target) contract.Body {
	app, limits, sets := o.rollout.Application, o.rollout.Policy.Limits, o.rollout.Policy.Strategy.BlueGreen
	work := o.rollout.Work // of hosts that get the release alone: a balancer has no use for its environment
	switch role {
	case deploy.RoleBalancer:
		return contract.TrafficJob{Application: app, Target: t, Version: o.version(), From: sets.From, To: sets.To, Traffic: sets.Traffic, Limits: limits}
	case deploy.RoleOld:
		return contract.RetireJob{Application: app, Target: t, Version: o.version(), From: sets.From, To: sets.To, Command: sets.Retire, Limits: limits}
	}
	switch b := o.Body.(type) {
	case contract.RollbackCommand:
		return contract.RollbackJob{Application: app, Work: work, Target: t, From: b.From, To: b.To, Limits: limits}
	case contract.InitCommand:
		return contract.InitJob{Application: app, Programs: b.Programs, Target: t, Limits: limits}
	}
	p := o.rollout.Policy
	return contract.DeployJob{
		Application: app, Work: work, Target: t, Package: o.Body.(contract.DeployCommand).Package, Limits: limits,
		Reversible: deploy.Reversible(deploy.StrategyKind(p.Strategy.Type), deploy.Overrun(p.Failures.Then)),
	}
}

// role is what the hosts of a wave are to the deployment; "" where it does not go
// by sets.
func (o order) role(wave int) deploy.Role {
	if sets := o.rollout.Policy.Strategy.Sets; wave < len(sets) {
		return deploy.Role(sets[wave].Role)
	}
	return ""
}

// kind is what the order asks for.
func (o order) kind() deploy.Kind {
	switch o.Body.(type) {
	case contract.RollbackCommand:
		return deploy.KindRollback
	case contract.InitCommand:
		return deploy.KindInit
	default:
		return deploy.KindDeploy
	}
}

// version is what the deployment brings, or what a rollback takes back.
func (o order) version() string {
	if b, ok := o.Body.(contract.RollbackCommand); ok {
		return b.From
	}
	return o.Body.(contract.DeployCommand).Package.Version
}

// unbegun is the envelope of the event that ends a target which never begins.
func (o order) unbegun(r deploy.Rollout, target int, host string) contract.Envelope {
	wave, _ := r.Waves.Of(target)
	return contract.Envelope{
		ID:         o.Deployment + "." + host + ".unbegun",
		Deployment: o.Deployment, Project: o.Project, Traceparent: o.Traceparent,
		Host: host, Wave: wave, Target: target,
	}
}

// accepted returns the event that opens the deployment.
func (o order) accepted(r deploy.Rollout) contract.AcceptedEvent {
	e := contract.AcceptedEvent{
		Application: o.rollout.Application.Name, Path: o.rollout.Application.Path, Actor: o.rollout.Actor,
		Targets: r.Targets(), Waves: r.Waves.Len(), AcceptedAt: o.Time,
		Strategy: string(r.Policy.Strategy.Kind), RetryOf: o.rollout.RetryOf, Batch: o.rollout.Batch,
		Metadata: o.rollout.Metadata, Origin: o.rollout.Origin,
	}
	switch b := o.Body.(type) {
	case contract.DeployCommand:
		e.Kind, e.Version, e.Package = string(deploy.KindDeploy), b.Package.Version, b.Package.ID
	case contract.RollbackCommand:
		e.Kind, e.Version, e.From, e.RollbackOf = string(deploy.KindRollback), b.To, b.From, b.Of
	case contract.InitCommand:
		e.Kind = string(deploy.KindInit)
	}
	return e
}

// resultsKey is where the results of a piece of a wave stand in DEPLOY. Keys of
// one token are deployments, so a filter tells them apart.
func resultsKey(deployment string, wave, piece int) string {
	return fmt.Sprintf("%s.%d.%d", deployment, wave, piece)
}

// snapshotKey is where a piece of a snapshot stands in SNAPSHOTS.
func snapshotKey(s contract.Snapshot, piece int) string {
	return fmt.Sprintf("%s.%d", s.ID, piece)
}
