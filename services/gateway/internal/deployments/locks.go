package deployments

import (
	"context"
	"errors"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Admit has a scheduler keep a place for a deployment that is not to wait for
// one, and whose command is to follow. It fails with ErrBusy where there is none,
// or with ErrNoAnswer. Asking again under the same id changes nothing, and a place
// for which no command comes is taken back.
func (d *Desk) Admit(ctx context.Context, id, project string) error {
	_, err := ask[contract.Admitted](ctx, d, contract.Admissions,
		contract.Envelope{Deployment: id, Project: project}, contract.Admit{}, d.limits.Query)
	return err
}

// Locks returns a page of the servers that deployments have, in the order of
// their ids, and who has a place among those that may be under way.
func (d *Desk) Locks(ctx context.Context, l contract.ListLocks) (contract.Locks, error) {
	return ask[contract.Locks](ctx, d, contract.QueryLocks, contract.Envelope{}, l, d.limits.Query)
}

// BreakLock has a scheduler take a server from the deployment that has it, which
// fails there. It fails with ErrNotLocked, with ErrOwner where another deployment
// has it than the person saw, or with ErrNoAnswer.
func (d *Desk) BreakLock(ctx context.Context, server string, b contract.BreakLock) (contract.LockBroken, error) {
	if !contract.ValidToken(server) {
		return contract.LockBroken{}, ErrNotLocked
	}
	done, err := ask[contract.LockBroken](ctx, d, contract.LockBreaks, contract.Envelope{Host: server}, b, d.limits.Query)
	var no refused
	if !errors.As(err, &no) {
		return done, err
	}
	switch no.Code {
	case contract.RefusedNotFound:
		err = ErrNotLocked
	case contract.RefusedConflict:
		err = fmt.Errorf("%w: %s", ErrOwner, no.Message)
	}
	return done, err
}
