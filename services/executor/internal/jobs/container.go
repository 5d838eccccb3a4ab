package jobs

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/failure"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// returnWait bounds the time in which what ran before is to run again, whatever time the step
// had that failed. A container has its time to end besides.
const returnWait = 2 * time.Minute

// inContainer says whether the release runs in a container here: of an application of which
// each host decides for itself, it was prepared so.
func (a *attempt) inContainer() bool {
	return a.runtime.Container != nil && a.preparedBy == hostcmd.DockerName
}

// knowsContainer refuses to go back to a release that runs in a container where it is not known
// any more that it does: current would say what does not run.
func (a *attempt) knowsContainer() error {
	if a.found.made != hostcmd.DockerName || a.runtime.Container != nil {
		return nil
	}
	return fmt.Errorf("%w: release %s runs in a container, of which the deployment that is rolled back says nothing: deploy it instead", failure.ErrPrepare, a.found.target)
}

// containers is what tells those of the application, and what this deployment does with them.
func (a *attempt) containers() hostcmd.Application {
	of := a.runtime.Container.Application
	of.Base, of.Name, of.Deployment = a.app.Path, a.app.Name, a.deployment
	return of
}

// runContainer has the container of the release run in the place of the one that does, and waits
// until it is healthy. A release that is gone back to has its own, as it ran.
func (a *attempt) runContainer(ctx context.Context) error {
	c := *a.runtime.Container
	c.Application, c.Version, c.Again = a.containers(), a.prepared, a.kind == deploy.KindRollback
	c.Unwatched = a.work.Unchecked
	if a.work.Domain(a.kind).Check {
		c.Settle = 0 // the checks tell
	}
	c.Environment = append(append(a.secrets.environment(a.work.Environment, a.work.Secrets), a.facts()...), hostcmd.Variable{Name: "SLIPWAY_VERSION", Value: a.prepared})
	_, err := a.run(ctx, strings.NewReader(c.Content()), func() (hostcmd.Command, error) { return hostcmd.Replace(a.fence, c) })
	if err != nil {
		return fmt.Errorf("%w: %w", failure.ErrRestart, err)
	}
	return nil
}

// settle is done once the container is known to be good. What ran before does not come back by
// itself from then on.
func (a *attempt) settle(ctx context.Context) error {
	if !a.inContainer() {
		return nil
	}
	_, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Settle(a.fence, a.containers()) })
	a.settled = err == nil
	return err
}

// bringBack has run what ran before, where a deployment of containers failed after the switch and
// before they settled, and current lead there, too. The note says what came of that.
func (a *attempt) bringBack(leased context.Context) (note string) {
	version := cmp.Or(a.prepared, a.release.Version, a.found.target)
	// An attempt before this one may have come further than this one did.
	begun := a.outcome.Release != "" || a.again()
	if a.settled || a.unchanged || !begun || version == "" || a.runtime.Container == nil || a.preparedBy != "" && !a.inContainer() {
		return ""
	}
	of := a.containers()
	ctx, cancel := context.WithTimeoutCause(leased, returnWait+2*of.StopWait, failure.ErrDeadline)
	defer cancel()
	_, err := a.try(ctx, func(ctx context.Context) (string, error) {
		out, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.BringBack(a.fence, of, version) })
		if err == nil {
			a.current, _ = out.Get(hostcmd.KeyCurrent)
			a.outcome.Previous, a.outcome.Changed = "", false
		}
		return "", err
	})
	if err != nil {
		a.log.Warn().Err(err).Msg("what ran before could not be brought back")
		return "what ran before could not be brought back: " + failure.Explain(err).Reason
	}
	if a.current == "" {
		return "nothing ran before, so nothing runs"
	}
	return fmt.Sprintf("release %s, which ran before, runs again", a.current)
}

// sweep removes containers and images of releases that clean has removed.
func (a *attempt) sweep(ctx context.Context) error {
	if !a.inContainer() {
		return nil
	}
	_, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Sweep(a.fence, a.containers()) })
	return err
}
