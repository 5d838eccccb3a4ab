package jobs

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/supervisor"
)

// restart has the release run that was switched to.
func (a *attempt) restart(ctx context.Context) (note string, err error) {
	if a.unchanged {
		return nothingChanged, nil
	}
	switch r := a.work.Restart; {
	case r.Supervisor != nil:
		err = a.supervisor(*r.Supervisor).Restart(ctx, r.Supervisor.Program)
	case r.Systemd != nil:
		err = a.ownTask(ctx, hostcmd.RestartUnit(r.Systemd.Unit, r.Systemd.User), 0)
	default:
		err = a.ownTask(ctx, hostcmd.Task{Command: r.Command}, 0)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", failure.ErrRestart, err)
	}
	return "", err
}

// ownTask runs a task in the directory of the release that was switched to.
func (a *attempt) ownTask(ctx context.Context, t hostcmd.Task, ms int64) error {
	t.Version = a.outcome.Release
	_, err := a.task(ctx, t, ms)
	return err
}

// supervisor is the supervisord on the host.
func (a *attempt) supervisor(s contract.Supervisor) supervisor.Supervisor {
	return supervisor.Supervisor{Ask: func(ctx context.Context, question string) (string, error) {
		return a.host.Ask(ctx, s.Socket, question)
	}}
}
