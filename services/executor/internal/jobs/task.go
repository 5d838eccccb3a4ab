package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// endWait bounds the command that ends what has run out of time.
const endWait = 10 * time.Second

// perform runs something of the user on the host, with what Slipway tells it over
// all else in its environment, and passes on what that says. It says whether that ran,
// and not an earlier time. Where it failed, the error has the end of what it said.
func (a *attempt) perform(ctx context.Context, t hostcmd.Task) (ran bool, err error) {
	t.Base, t.Deployment = a.app.Path, a.deployment
	t.Environment = append(t.Environment, a.facts()...)
	command, err := hostcmd.Perform(a.fence, t)
	if err != nil {
		return false, err
	}
	out, tail, err := a.listen(ctx, t.Name, command, t.Content())
	if tail != "" && errors.Is(err, hostcmd.ErrCommand) {
		err = fmt.Errorf("%w\n%s", err, tail)
	}
	_, before := out.Get(hostcmd.KeyRan)
	return !before, err
}

// listen runs a command with its content, and passes on what is said meanwhile as that of
// what has this name. The tail is the end of it.
func (a *attempt) listen(ctx context.Context, name string, c hostcmd.Command, content string) (out hostcmd.Output, tail string, err error) {
	said := a.output.Task(name)
	out, err = a.host.Perform(ctx, c, strings.NewReader(content), said.Stdout(), said.Stderr())
	why := err
	if cause := context.Cause(ctx); err != nil && cause != nil {
		why = cause
	}
	said.End(why)
	return out, said.Tail(), err
}

// facts is what is known of the job whatever comes of it.
func (a *attempt) facts() []hostcmd.Variable {
	return []hostcmd.Variable{
		{Name: "SLIPWAY_DEPLOYMENT", Value: a.deployment},
		{Name: "SLIPWAY_APPLICATION", Value: a.app.Name},
		{Name: "SLIPWAY_SERVER", Value: a.target.Name},
	}
}

// task runs something of the user for the release, within a time of its own; 0 is
// what the step has. What has not ended by then is ended.
func (a *attempt) task(ctx context.Context, t hostcmd.Task, ms int64) (ran bool, err error) {
	within, cancel := ctx, func() {}
	if ms > 0 {
		within, cancel = context.WithTimeoutCause(ctx, time.Duration(ms)*time.Millisecond, failure.ErrDeadline)
	}
	defer cancel()
	t.Environment = append(a.variables(), t.Environment...)
	ran, err = a.perform(within, t)
	if err == nil || !errors.Is(context.Cause(within), failure.ErrDeadline) {
		return ran, err
	}
	a.endLeftover(ctx)
	if ctx.Err() == nil { // else the step tells how long it took
		err = fmt.Errorf("%w after %s", failure.ErrDeadline, time.Duration(ms)*time.Millisecond)
	}
	return ran, err
}

// endLeftover ends what a command of this attempt that was given up still runs:
// most hosts do not end it when its channel is closed. Where that fails, the next
// command here does it, be it of another deployment.
func (a *attempt) endLeftover(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	if _, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Claim(a.fence) }); err != nil {
		a.log.Info().Err(err).Msg("what ran out of time may still run")
	}
}

// variables is the environment of the application's own, with what is to be known
// of the release.
func (a *attempt) variables() []hostcmd.Variable {
	var env []hostcmd.Variable
	if a.work != nil {
		env = a.secrets.environment(a.work.Environment, a.work.Secrets)
	}
	version := a.pkg.Version
	if a.kind == deploy.KindRollback {
		version = a.to // before the switch, it is known only where it was asked for
	}
	if a.outcome.Release != "" {
		version = a.outcome.Release
	}
	return append(env,
		hostcmd.Variable{Name: "SLIPWAY_KIND", Value: string(a.kind)},
		hostcmd.Variable{Name: "SLIPWAY_VERSION", Value: version},
		hostcmd.Variable{Name: "SLIPWAY_PREVIOUS", Value: a.outcome.Previous},
	)
}
