package deployments

import (
	"context"
	"fmt"

	"github.com/slipway-deploy/slipway/libs/contract"
)

// Unresolved is why an executor did not find the commit that a ref is.
type Unresolved struct{ contract.Failure }

// Error implements error.
func (u Unresolved) Error() string { return u.Reason }

// Resolve asks an executor of the zone which commit a ref of a git repository is.
// It fails with an Unresolved, ErrNoExecutor or ErrNoAnswer.
func (d *Desk) Resolve(ctx context.Context, zone string, question contract.ResolveRef) (commit string, err error) {
	answer, err := ask[contract.ResolvedRef](ctx, d, contract.SourceSubject(zone), contract.Envelope{}, question, d.limits.Resolve)
	switch {
	case nobodyThere(err):
		return "", fmt.Errorf("%w: %w", ErrNoExecutor, err)
	case err != nil:
		return "", err
	case answer.Failure != nil:
		return "", Unresolved{*answer.Failure}
	default:
		return answer.Commit, nil
	}
}
