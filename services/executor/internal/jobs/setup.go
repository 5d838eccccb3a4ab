package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
	"github.com/slipway-deploy/slipway/services/executor/internal/ssh"
	"github.com/slipway-deploy/slipway/services/executor/internal/supervisor"
)

// setUp has the supervisor of the host know the programs of the application. Where it
// does not take them, what it knew before is there again.
func (a *attempt) setUp(ctx context.Context) (note string, err error) {
	file := hostcmd.File{Directory: a.set.Programs, Name: a.app.Name + ".conf", Content: a.programs.Content}
	out, err := a.run(ctx, strings.NewReader(file.Content), func() (hostcmd.Command, error) {
		return hostcmd.Install(a.fence, a.app.Path, a.deployment, file)
	})
	if err != nil {
		return "", err
	}
	groups := slices.Concat(supervisor.Groups(strings.Split(file.Content, "\n")), supervisor.Groups(out.All(hostcmd.KeySection)))
	visor := a.supervisor(contract.Supervisor{Socket: a.programs.Socket})
	changed, err := visor.Update(ctx, groups)
	switch {
	case err == nil:
		a.outcome.Note = "the supervisor knows all of it already"
		if len(changed) > 0 {
			a.outcome.Note = "the supervisor took up " + strings.Join(changed, ", ")
		}
		return a.outcome.Note, nil
	case ssh.IsTransient(err): // the next try does what is left
		return "", err
	}
	err = fmt.Errorf("%w: %w", failure.ErrSetUp, err)
	if undone := a.restore(ctx, file, visor, groups); undone != nil {
		err = fmt.Errorf("%w; what was there before could not be put back: %w", err, undone)
	}
	return "", err
}

// restore puts back what was there before, also where the time is up. A supervisor
// that is not there is no reason to leave the file.
func (a *attempt) restore(ctx context.Context, file hostcmd.File, visor supervisor.Supervisor, groups []string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
	defer cancel()
	_, err := a.run(ctx, nil, func() (hostcmd.Command, error) {
		return hostcmd.Restore(a.fence, a.app.Path, a.deployment, file)
	})
	if err != nil {
		return err
	}
	if _, err := visor.Update(ctx, groups); errors.Is(err, supervisor.ErrInvalid) {
		return err
	}
	return nil
}
