package jobs

import (
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
	"github.com/slipway-deploy/slipway/services/executor/internal/output"
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
	output     *output.Log
	log        zerolog.Logger
	host       Host // nil: not connected
	fence      hostcmd.Fence
	release    hostcmd.Release
	secrets    secrets
	unopened   error  // why there are no secrets, though there should be
	fetch      *fetch // of a deployment: of what it brings
	found      found  // what lies on the host to begin with
	prepared   string // release that what it needs was made for
	preparedBy string // what made it
	settled    bool   // its container is known to be good
	unchanged  bool   // there was nothing to roll back, so nothing is to follow
	current    string // what the host runs, as far as it told; empty: nothing, or unknown
	outcome    contract.JobEndedEvent
}

// attempt does the steps of a job and says how it ended. It returns an error
// only where this attempt must not say anything more: it was superseded, or may
// be, or the broker is away, or another executor should try (bundles.ErrLocal).
func (w *Worker) attempt(ctx context.Context, log zerolog.Logger, m contract.Message, p plan, j *journal, first deploy.Step) (contract.JobEndedEvent, error) {
	opened, unopened := openSecrets(p.work, p.app.Name, w.set.Keys)
	a := &attempt{
		Worker: w, plan: p, deployment: m.Deployment, journal: j, log: log, secrets: opened, unopened: unopened,
		// Two servers of the inventory may be one login. Tokens order the attempts
		// on one server; of two servers neither's work supersedes the other's.
		fence: hostcmd.Fence{
			Installation: w.bus.Installation() + "-" + m.Host, Token: j.Token(), Wait: w.set.LockWait,
		},
		release: hostcmd.Release{Base: p.app.Path, Version: p.pkg.Version, Digest: p.pkg.SHA256},
		output:  output.New(ctx, opened.mask, j.said),
	}
	defer a.disconnect()
	defer a.closeOutput() // before the terminal event: who has seen that finds all that was said
	steps := a.kind.Steps(a.work.Domain(a.kind))
	if first == "" {
		return a.cancelled(steps[0]), nil
	}
	onHost, cancel := context.WithTimeoutCause(ctx, shorter(w.set.HostTimeout, p.limits.Host), failure.ErrDeadline)
	defer cancel()
	if a.kind == deploy.KindDeploy {
		a.fetch = a.startFetch(onHost)
		defer a.fetch.stop()
	}
	for i, step := range steps {
		ended, err := a.step(ctx, onHost, step)
		if err != nil {
			return contract.JobEndedEvent{}, err
		}
		a.outcome.Step = &ended
		switch deploy.State(ended.State) {
		case deploy.Cancelled:
			return a.cancelled(step), nil
		case deploy.Failed:
			if step != deploy.StepClean { // what clean leaves behind harms nothing
				back := a.bringBack(ctx)
				return a.failed(ended.Failure, back), nil
			}
		}
		if i+1 == len(steps) {
			break
		}
		stop, err := a.stopped(ctx, steps[i+1])
		if err != nil {
			return contract.JobEndedEvent{}, err
		}
		if stop {
			return a.cancelled(steps[i+1]), nil
		}
		if err := a.journal.next(ctx, ended, steps[i+1]); err != nil {
			return contract.JobEndedEvent{}, err
		}
	}
	a.outcome.State = string(deploy.Succeeded)
	return a.outcome, nil
}

// step does one step and tells how it went. leased ends when the right to act
// is lost; onHost, below it, when the time for the host is up.
func (a *attempt) step(leased, onHost context.Context, step deploy.Step) (ended contract.LastStep, err error) {
	a.output.Step(step)
	onHost, done := a.watchedStep(onHost, step)
	defer func() { done(ended, err) }()
	ended = contract.LastStep{Step: string(step), State: string(deploy.Succeeded), StartedAt: time.Now().UTC()}
	ctx, cancel := context.WithTimeoutCause(onHost, shorter(a.set.StepTimeout, a.limits.Step), failure.ErrDeadline)
	defer cancel()
	if a.mayStop(step) && mayBeCut(step) {
		watched, release := a.stops.watch(ctx, a.deployment)
		defer release()
		ctx = watched
	}
	note, err := a.try(ctx, func(ctx context.Context) (string, error) { return a.do(ctx, step) })
	ended.EndedAt, ended.Note = time.Now().UTC(), note
	stopped := err != nil && errors.Is(context.Cause(ctx), errStopped)
	if err != nil && errors.Is(context.Cause(ctx), failure.ErrDeadline) {
		err = outOfTime(err, ended.EndedAt.Sub(ended.StartedAt))
	}
	if leased.Err() != nil {
		return ended, context.Cause(leased)
	}
	switch {
	case err == nil:
		return ended, nil
	case stopped:
		ended.State = string(deploy.Cancelled)
		return ended, nil
	case errors.Is(err, errSuperseded), errors.Is(err, bundles.ErrLocal):
		return ended, err
	case errors.Is(err, hostcmd.ErrSuperseded):
		// The journal decides: if there is a newer attempt, the next word conflicts.
		err = fmt.Errorf("%w: %w", errTokensLost, err)
	}
	err = a.secrets.mask.Error(err) // first: half a secret is none that could be found
	ended.State, ended.Failure = string(deploy.Failed), failure.Explain(err)
	a.log.Info().Err(err).Str("step", string(step)).Str("code", ended.Failure.Code).Msg("step failed")
	return ended, nil
}

// failed is how a job ends whose last step failed so. The note says what was done about it.
func (a *attempt) failed(why *contract.Failure, note string) contract.JobEndedEvent {
	return contract.JobEndedEvent{
		State: string(deploy.Failed), Release: a.current, Previous: a.outcome.Previous, Changed: a.outcome.Changed,
		Failure: why, Step: a.outcome.Step, Note: note,
	}
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

// try does something on the host, and again with a new connection where the old one
// broke: every step can be run twice.
func (a *attempt) try(ctx context.Context, do func(context.Context) (note string, err error)) (note string, err error) {
	var first error
	for n := 1; ; n++ {
		note, err = a.once(ctx, do)
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
			a.set.Seen.Again.Inc()
		}
	}
}

func (a *attempt) once(ctx context.Context, do func(context.Context) (note string, err error)) (note string, err error) {
	if a.host == nil {
		if a.host, err = a.connect(ctx); err != nil {
			return "", err
		}
	}
	return do(ctx)
}

// do does a step, once.
func (a *attempt) do(ctx context.Context, step deploy.Step) (note string, err error) {
	switch step {
	case deploy.StepConnect:
		return a.look(ctx)
	case deploy.StepBefore, deploy.StepDuring, deploy.StepAfter:
		return a.hooks(ctx, step)
	case deploy.StepStage:
		return a.stage(ctx)
	case deploy.StepPrepare:
		return a.prepare(ctx)
	case deploy.StepSwitch:
		return a.activate(ctx)
	case deploy.StepRestart:
		return a.restart(ctx)
	case deploy.StepCheck:
		return a.check(ctx)
	case deploy.StepClean:
		return a.clean(ctx)
	case deploy.StepSetUp:
		return a.setUp(ctx)
	case deploy.StepTraffic:
		return a.switchTraffic(ctx)
	case deploy.StepRetire:
		return "", a.carryOver(ctx)
	default:
		return "", fmt.Errorf("%w: step %q", errUnknownStep, step)
	}
}

// connect gives a connection to the host, which says no secret. Whoever cannot open them
// has no business there.
func (a *attempt) connect(ctx context.Context) (Host, error) {
	if a.unopened != nil {
		return nil, a.unopened
	}
	host, err := a.dial(ctx, a.target)
	if err == nil {
		host.Hide(a.secrets.mask)
	}
	return host, err
}

func (a *attempt) closeOutput() {
	if lost := a.output.Close(); lost > 0 {
		a.log.Warn().Int("lines", lost).Msg("the end of what the host said is not stored")
	}
}

func (a *attempt) disconnect() {
	if a.host != nil {
		_ = a.host.Close() // nothing on it is of use any more
		a.host = nil
	}
}
