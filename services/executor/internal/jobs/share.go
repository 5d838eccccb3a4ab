package jobs

import (
	"context"

	"github.com/slipway-deploy/slipway/libs/deploy"
	"github.com/slipway-deploy/slipway/services/executor/internal/hostcmd"
)

// share has the release that is about to run share what it is to share. A release that
// a rollback finds by itself did so when it ran; one that is named may never have run.
func (a *attempt) share(ctx context.Context) error {
	version := a.release.Version
	if a.kind == deploy.KindRollback {
		version = a.to
	}
	if a.work == nil || a.work.Linked == nil || version == "" {
		return nil
	}
	shared := hostcmd.Shared(*a.work.Linked)
	_, err := a.run(ctx, nil, func() (hostcmd.Command, error) { return hostcmd.Share(a.fence, a.app.Path, version, shared) })
	return err
}
