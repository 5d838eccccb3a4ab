package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// prepare has what the release needs to run be made beside it. A rollback sees that it
// is still there, however it was made.
func (a *attempt) prepare(ctx context.Context) (note string, err error) {
	version := a.release.Version
	if a.kind == deploy.KindRollback {
		if version = a.found.target; version == "" {
			return "there is no release to go back to, so there is nothing to do", nil
		}
	}
	var env []hostcmd.Variable
	if a.runtime.Container == nil || len(a.runtime.Prepare) > 1 { // what is meant for a container is not for docker
		env = a.variables()
	}
	p := hostcmd.Preparation{
		Base: a.app.Path, Version: version, Runtimes: a.runtime.Prepare, AsItWas: a.kind == deploy.KindRollback,
		Rebuild:     a.runtime.Rebuild && a.kind == deploy.KindDeploy,
		Environment: append(append(env, a.facts()...), hostcmd.Variable{Name: "SLIPWAY_VERSION", Value: version}),
	}
	command, err := hostcmd.Prepare(a.fence, p)
	if err != nil {
		return "", err
	}
	out, _, err := a.listen(ctx, "preparation", command, p.Content())
	if err != nil {
		if ctx.Err() != nil {
			a.endLeftover(ctx)
		}
		return "", unprepared(err)
	}
	a.prepared = version
	runtime, before := out.Prepared()
	a.preparedBy = runtime
	if a.set.Met != nil && runtime != "" && !before {
		a.set.Met(runtime)
	}
	switch {
	case before && len(a.runtime.Prepare) > 1:
		return "the release was prepared before, by " + runtime, nil
	case before:
		return "the release was prepared before", nil
	case len(a.runtime.Prepare) > 1:
		return "the host has " + runtime, nil
	}
	return "", nil
}

// unprepared says of an error of this step that it is about what the release needs, and
// not about the way to the host.
func unprepared(err error) error {
	if errors.Is(err, hostcmd.ErrCommand) || errors.Is(err, hostcmd.ErrFailed) {
		return fmt.Errorf("%w: %w", failure.ErrPrepare, err)
	}
	return err
}
