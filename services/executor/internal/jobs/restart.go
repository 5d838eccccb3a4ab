package jobs

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/supervisor"
)

// scriptMark is under what it is remembered that a script ended well.
const scriptMark = "script-0"

// restart has the release run that was switched to.
func (a *attempt) restart(ctx context.Context) (note string, err error) {
	if a.unchanged {
		return nothingChanged, nil
	}
	if a.inContainer() {
		if err := a.runContainer(ctx); err != nil || a.work.Domain(a.kind).Check {
			return "", err
		}
		return "", a.settle(ctx)
	}
	if note, err = a.script(ctx); err != nil || a.work.Restart == nil {
		return note, err
	}
	switch r := a.work.Restart; {
	case r.Supervisor != nil:
		err = a.supervisor(*r.Supervisor).Restart(ctx, r.Supervisor.Program)
	case r.Systemd != nil:
		err = a.ownTask(ctx, "restart", hostcmd.RestartUnit(r.Systemd.Unit, r.Systemd.User), 0)
	default:
		err = a.ownTask(ctx, "restart", hostcmd.Task{Command: r.Command}, 0)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", failure.ErrRestart, err)
	}
	return note, err
}

// script runs the script of an application that is one, unless it ended well in an
// earlier attempt.
func (a *attempt) script(ctx context.Context) (note string, err error) {
	if a.runtime.Script == nil {
		return "", nil
	}
	t := a.runtime.Script.Task
	t.Name, t.Version, t.Mark = "script", a.outcome.Release, scriptMark
	ran, err := a.task(ctx, t, a.runtime.Script.Timeout)
	if err != nil {
		return "", fmt.Errorf("script: %w", err)
	}
	if !ran {
		note = "ran before: script"
	}
	return note, nil
}

// ownTask runs a task of this name in the directory of the release that was switched to.
func (a *attempt) ownTask(ctx context.Context, name string, t hostcmd.Task, ms int64) error {
	t.Name, t.Version = name, a.outcome.Release
	_, err := a.task(ctx, t, ms)
	return err
}

// supervisor is the supervisord on the host.
func (a *attempt) supervisor(s contract.Supervisor) supervisor.Supervisor {
	return supervisor.Supervisor{Ask: func(ctx context.Context, question string) (string, error) {
		return a.host.Ask(ctx, s.Socket, question)
	}}
}
