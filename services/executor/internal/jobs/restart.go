package jobs

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// restart has the release run that was switched to.
func (a *attempt) restart(ctx context.Context) (note string, err error) {
	if a.unchanged {
		return nothingChanged, nil
	}
	_, err = a.task(ctx, hostcmd.Task{Version: a.outcome.Release, Command: a.work.Restart.Command}, 0)
	if err != nil {
		err = fmt.Errorf("%w: %w", failure.ErrRestart, err)
	}
	return "", err
}
