package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/bundles"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/hosts"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
)

// retryPause is how long a step waits before its second try; each further one
// waits as much longer.
const retryPause = 500 * time.Millisecond

// attempt is one go at a job: its steps on one host, under one fencing token.
type attempt struct {
	*Worker
	plan
	deployment string
	journal    *journal
	log        zerolog.Logger
	host       Host // nil: not connected
	fence      hostcmd.Fence
	release    hostcmd.Release
	found      found  // what lies on the host to begin with
	unchanged  bool   // there was nothing to roll back, so nothing is to follow
	current    string // what the host runs, as far as it told; empty: nothing, or unknown
	outcome    contract.JobEndedEvent
}

// attempt does the steps of a job and says how it ended. It returns an error
// only where this attempt must not say anything more: it was superseded, or may
// be, or the broker is away, or another executor should try (bundles.ErrLocal).
func (w *Worker) attempt(ctx context.Context, log zerolog.Logger, m contract.Message, j *journal) (contract.JobEndedEvent, error) {
	p, err := planOf(m)
	if err != nil {
		return contract.JobEndedEvent{}, err
	}
	a := &attempt{
		Worker: w, plan: p, deployment: m.Deployment, journal: j, log: log,
		// Two servers of the inventory may be one login. Tokens order the attempts
		// on one server; of two servers neither's work supersedes the other's.
		fence: hostcmd.Fence{
			Installation: w.bus.Installation() + "-" + m.Host, Token: j.Token(), Wait: w.set.LockWait,
		},
		release: hostcmd.Release{Base: p.app.Path, Version: p.pkg.Version, Digest: p.pkg.SHA256},
	}
	defer a.disconnect()
	onHost, cancel := context.WithTimeoutCause(ctx, shorter(w.set.HostTimeout, p.limits.Host), failure.ErrDeadline)
	defer cancel()
	for _, step := range a.kind.Steps(a.work.Domain(a.kind)) {
		stop, err := a.stopped(ctx, step)
		if err != nil {
			return contract.JobEndedEvent{}, err
		}
		if stop {
			return a.cancelled(step), nil
		}
		why, err := a.step(ctx, onHost, step)
		if errors.Is(err, errStopped) {
			return a.cancelled(step), nil
		}
		if err != nil {
			return contract.JobEndedEvent{}, err
		}
		if why != nil && step != deploy.StepClean { // what clean leaves behind harms nothing
			return contract.JobEndedEvent{
				State: string(deploy.Failed), Release: a.current, Previous: a.outcome.Previous, Changed: a.outcome.Changed, Failure: why,
			}, nil
		}
	}
	a.outcome.State = string(deploy.Succeeded)
	return a.outcome, nil
}

// step does one step and tells how it went. leased ends when the right to act
// is lost; onHost, below it, when the time for the host is up.
func (a *attempt) step(leased, onHost context.Context, step deploy.Step) (*contract.Failure, error) {
	began := time.Now().UTC()
	if err := a.journal.stepBegan(leased, step, began); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(onHost, shorter(a.set.StepTimeout, a.limits.Step), failure.ErrDeadline)
	if a.mayStop(step) && mayBeCut(step) {
		watched, release := a.stops.watch(ctx, a.deployment)
		defer release()
		ctx = watched
	}
	note, err := a.try(ctx, step)
	stopped := err != nil && errors.Is(context.Cause(ctx), errStopped)
	if err != nil && errors.Is(context.Cause(ctx), failure.ErrDeadline) {
		err = outOfTime(err, time.Since(began))
	}
	cancel()
	if leased.Err() != nil {
		return nil, context.Cause(leased)
	}
	switch {
	case err == nil:
		return nil, a.journal.stepEnded(leased, step, began, deploy.Succeeded, note, nil)
	case stopped:
		return nil, cmp.Or(a.journal.stepEnded(leased, step, began, deploy.Cancelled, note, nil), errStopped)
	case errors.Is(err, errSuperseded), errors.Is(err, bundles.ErrLocal):
		return nil, err
	case errors.Is(err, hostcmd.ErrSuperseded):
		// The journal decides: if there is a newer attempt, the next word conflicts.
		err = fmt.Errorf("%w: %w", errTokensLost, err)
	}
	why := failure.Explain(err)
	a.log.Info().Err(err).Str("step", string(step)).Str("code", why.Code).Msg("step failed")
	return why, a.journal.stepEnded(leased, step, began, deploy.Failed, note, why)
}

// outOfTime is the error of a step that took too long. What a check has found until then
// says why.
func outOfTime(err error, took time.Duration) error {
	late := fmt.Errorf("%w after %s", failure.ErrDeadline, took.Round(time.Millisecond))
	if errors.Is(err, failure.ErrCheck) {
		return fmt.Errorf("%w; %w", late, err)
	}
	return late
}

// try does a step, and again with a new connection where the old one broke:
// every step can be run twice.
func (a *attempt) try(ctx context.Context, step deploy.Step) (note string, err error) {
	var first error
	for n := 1; ; n++ {
		note, err = a.once(ctx, step)
		if err == nil || !ssh.IsTransient(err) && !errors.Is(err, hosts.ErrKilled) {
			return note, err
		}
		if first == nil {
			first = err // a host that stalls is often unreachable afterwards: the cause is what counts
		}
		a.disconnect()
		if n >= a.set.Tries {
			return note, first
		}
		select {
		case <-ctx.Done():
			return note, first
		case <-time.After(time.Duration(n) * retryPause):
		}
	}
}

func (a *attempt) once(ctx context.Context, step deploy.Step) (note string, err error) {
	if a.host == nil {
		if a.host, err = a.dial(ctx, a.target); err != nil {
			return "", err
		}
	}
	switch step {
	case deploy.StepConnect:
		return a.look(ctx)
	case deploy.StepBefore, deploy.StepDuring, deploy.StepAfter:
		return a.hooks(ctx, step)
	case deploy.StepStage:
		return a.stage(ctx)
	case deploy.StepSwitch:
		return a.activate(ctx)
	case deploy.StepRestart:
		return a.restart(ctx)
	case deploy.StepCheck:
		return a.check(ctx)
	case deploy.StepClean:
		return a.clean(ctx)
	case deploy.StepTraffic:
		return a.switchTraffic(ctx)
	case deploy.StepRetire:
		return "", a.carryOver(ctx)
	default:
		return "", fmt.Errorf("%w: step %q", errUnknownStep, step)
	}
}

func (a *attempt) disconnect() {
	if a.host != nil {
		_ = a.host.Close() // nothing on it is of use any more
		a.host = nil
	}
}
